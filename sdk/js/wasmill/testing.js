// A host in memory, for unit tests: it calls a plugin's functions, and keeps what they do as a host
// would, whole or not at all. The plugin's calls reach the host whose call is in progress.

import { Message, Received } from "./body.js";
import { Problem, call as checked } from "./errors.js";
import * as roles from "./roles.js";
import * as bounds from "./testing/bounds.js";
import { Call } from "./testing/call.js";
import { Scope } from "./testing/scope.js";
import { bytes, content, headerList, optionalText, text } from "./values.js";

/** Timers that ring in one `advance`, at most: one that sets itself to now is a loop. */
const ringsMax = 10_000;

export class Host {
  #plugin;
  #scopes = new Map();
  #ids = 0;

  constructor(plugin, { config = {}, topics, now = Date.UTC(2026, 0, 1) } = {}) {
    this.#plugin = plugin;
    Object.assign(this, { config, topics, now, sent: [], logged: [] });
  }

  async deliver({ topic, key, tag, headers, attempt = 1, ...rest }) {
    const parts = {
      topic: text(topic, "topic"),
      key: optionalText(key, "key"),
      tag: optionalText(tag, "tag"),
      headers: headerList(headers),
      body: content(rest),
    };
    checked(bounds.message, parts);
    return this.#handle({ ...parts, id: this.newId(), attempt, producedAt: this.now });
  }

  async advance(delay) {
    const until = this.now + delay;
    for (let rings = 0; rings < ringsMax; rings += 1) {
      const next = this.#due(until);
      if (!next) {
        this.now = until;
        return;
      }
      const { name, at, ...message } = next;
      this.now = Math.max(this.now, at);
      await this.#handle({ ...message, attempt: 1, producedAt: at }, name);
    }
    throw new Error(`${ringsMax} timers rang by ${until}: does one set itself to now?`);
  }

  async admit(request) {
    const call = new Call(this, "admitting");
    const admitted = call.run(() => roles.gate(this.#role("admit")).admit(rawRequest(request)));
    const { headers, answer, ...accepted } = await admitted.catch(asProblem);
    checked(bounds.message, { ...accepted, headers });
    const answered = answer.length > 0 ? new Received({ body: answer }).json() : undefined;
    return new Received({ ...accepted, headers: new Map(headers), answer: answered });
  }

  async answer(key, request = {}) {
    const call = new Call(this, "answering", text(key, "key"), this.#scope(key).copy());
    const answered = call.run(() => roles.query(this.#role("answer")).answer(key, rawRequest(request)));
    const { headers, ...response } = await answered;
    return new Received({ ...response, headers: new Map(headers) });
  }

  async check(key, name) {
    const half = this.#scope(key).halves.get(name);
    if (half?.state !== "prepared") {
      return undefined;
    }
    const { message, state, when, ...asked } = half;
    const call = new Call(this, "checking");
    const raw = { ...message, ...asked, name, scopeKey: key };
    const verdict = await call.run(() => roles.checker(this.#role("check")).check(raw));
    if (verdict.tag === "unknown") {
      half.checks += 1;
      return { unknown: verdict.val };
    }
    half.state = { commit: "committed", rollback: "rolled-back" }[verdict.tag];
    this.#send(half);
    return verdict.tag;
  }

  async migrate(key, from) {
    const call = new Call(this, "migrating", text(key, "key"), this.#scope(key).copy());
    await call.run(() => this.#role("migrate")(from));
    this.#scopes.set(key, call.scope);
  }

  state(key) {
    return new Map(this.#scope(key).state);
  }

  stateJson(key, name) {
    const value = this.state(key).get(name);
    return value && new Received({ body: value }).json();
  }

  putState(key, name, value) {
    checked(bounds.named, name);
    this.keep(key).state.set(name, bytes(value, `state ${name}`).slice());
  }

  timers(key) {
    return new Map(this.#scope(key).timers);
  }

  half(key, name) {
    return this.#scope(key).halves.get(name)?.state;
  }

  /** The id of the next message. */
  newId() {
    this.#ids += 1;
    return this.#ids.toString(16).padStart(32, "0");
  }

  /** What is committed under a key, to be changed. */
  keep(key) {
    const scope = this.#scope(key);
    this.#scopes.set(key, scope);
    return scope;
  }

  #scope(key) {
    return this.#scopes.get(key) ?? new Scope();
  }

  #role(name) {
    return this.#plugin[name] ?? refuseRole(name);
  }

  async #handle(message, timer) {
    const call = new Call(this, "handling", message.key, this.#scope(message.key).copy());
    const received = Message.of({ ...message, subscription: message.topic, correlation: message.id });
    await call.run(() => this.#plugin.handle(received));
    return this.#commit(call, message, timer);
  }

  #commit({ key, scope, sent, recalled, ended }, message, timer) {
    const before = this.sent.length - recalled.size;
    this.sent = [...this.sent.filter(({ id }) => !recalled.has(id)), ...sent];
    for (const [name, state] of ended) {
      const half = scope.halves.get(name);
      scope.halves.delete(name);
      // What a check-back decided was delivered then.
      if (half.state === "prepared") {
        this.#send({ ...half, state });
      }
    }
    // Unless the handler set it anew.
    if (scope.timers.get(timer)?.id === message.id) {
      scope.timers.delete(timer);
    }
    this.#scopes.set(key, scope);
    return this.sent.slice(before);
  }

  #send({ state, id, message, when }) {
    if (state === "committed") {
      const at = bounds.due(when, this.now);
      this.sent.push(new Received({ ...message, id, headers: new Map(message.headers), at }));
    }
  }

  #due(until) {
    const timersOf = ([key, { timers }]) => [...timers].map(([name, timer]) => ({ ...timer, key, name }));
    const due = [...this.#scopes].flatMap(timersOf).filter(({ at }) => at <= until);
    return due.sort((a, b) => a.at - b.at)[0];
  }
}

function refuseRole(name) {
  throw new TypeError(`the plugin does not export \`${name}\``);
}

function rawRequest({ method = "GET", path = "/", params = {}, query = [], headers, ...rest }) {
  return {
    method: text(method, "method"),
    path: text(path, "path"),
    params: headerList(params),
    query: headerList(query),
    headers: headerList(headers).map(([name, value]) => [name.toLowerCase(), value]),
    body: content(rest),
  };
}

function asProblem(error) {
  const { status, title, detail, field } = error?.payload ?? {};
  throw status === undefined ? error : new Problem(status, title, detail, field);
}
