// A host in memory, for unit tests: it delivers messages to a plugin's `handle`, and keeps what that
// does as a host would, whole or not at all. The plugin's calls reach the host whose message is
// being handled.

import { Received } from "./body.js";
import { content, headerList } from "./values.js";

const bounds = { bodyBytes: 4 << 20, valueBytes: 1 << 20, nameBytes: 256, page: 1000 };
const levels = [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];

export class Host {
  #plugin;
  #scopes = new Map();
  #ids = 0;

  constructor(plugin, { config = {}, now = Date.UTC(2026, 0, 1) } = {}) {
    this.#plugin = plugin;
    Object.assign(this, { config, now, sent: [], logged: [] });
  }

  deliver(message) {
    return this.#handle(message);
  }

  async advance(delay) {
    const until = this.now + delay;
    for (let next = this.#due(until); next; next = this.#due(until)) {
      this.now = Math.max(this.now, next.at);
      await this.#handle(next, next.name);
    }
    this.now = until;
  }

  state(key) {
    return new Map(this.#scope(key).state);
  }

  stateJson(key, name) {
    const value = this.state(key).get(name);
    return value && new Received({ body: value }).json();
  }

  timers(key) {
    return new Map(this.#scope(key).timers);
  }

  newId() {
    this.#ids += 1;
    return this.#ids.toString(16).padStart(32, "0");
  }

  // Calls run one after another: whoever forgot an `await` hears of it.
  async #handle({ topic, key, tag, headers, attempt = 1, ...rest }, timer) {
    if (call) {
      throw new Error("a message is being handled: await `deliver` and `advance`");
    }
    const id = this.newId();
    call = new Call(this, key, this.#scope(key));
    call.scope.timers.delete(timer);
    try {
      const fields = { id, topic, subscription: topic, key, tag, attempt, correlation: id };
      const body = content(rest);
      const received = { ...fields, headers: new Map(headerList(headers)), body, producedAt: this.now };
      await this.#plugin.handle(new Received(received));
      this.#scopes.set(key, call.scope);
      this.sent.push(...call.sent);
      return call.sent;
    } finally {
      call = undefined;
    }
  }

  #scope(key) {
    return this.#scopes.get(key) ?? { state: new Map(), timers: new Map(), claims: new Map(), halves: new Map() };
  }

  #due(until) {
    const timersOf = ([key, { timers }]) => [...timers].map(([name, timer]) => ({ ...timer, key, name }));
    const due = [...this.#scopes].flatMap(timersOf).filter(({ at }) => at <= until);
    return due.sort((a, b) => a.at - b.at)[0];
  }
}

/** The call that is under way. */
let call;

/** What a handler did so far. */
class Call {
  sent = [];

  constructor(host, key, scope) {
    const copy = Object.entries(scope).map(([kind, entries]) => [kind, new Map(entries)]);
    Object.assign(this, { host, key, scope: Object.fromEntries(copy) });
  }

  keyed(kind) {
    if (this.key === undefined) {
      refuse("no-key");
    }
    return this.scope[kind];
  }

  time({ tag, val }) {
    const times = {
      now: () => this.host.now,
      after: () => this.host.now + Number(val),
      at: () => Number(val),
      level: () => this.host.now + levels[val - 1] * 1000,
    };
    return times[tag]();
  }

  outgoing({ topic, key, tag, headers, body, when }) {
    within("body bytes", body.length, bounds.bodyBytes);
    const at = this.time(when);
    return new Received({ id: this.host.newId(), topic, key, tag, headers: new Map(headers), body, at });
  }

  half(name) {
    const half = this.keyed("halves").get(name);
    return half ?? refuse("invalid", `no half message \`${name}\` was prepared under this key`);
  }
}

function under() {
  return call ?? refuse("unavailable", "no message is being handled: deliver one with `Host.deliver`");
}

// The bindings of a component throw a refusal so.
function refuse(tag, val) {
  throw { payload: { tag, val } };
}

function within(what, actual, limit) {
  if (actual > limit) {
    refuse("limit", { what, limit: BigInt(limit), actual: BigInt(actual) });
  }
}

function named(name) {
  const length = new TextEncoder().encode(name).length;
  within("name bytes", length, bounds.nameBytes);
  return length > 0 ? name : refuse("invalid", "a name has 1 to 256 bytes");
}

export const queue = {
  send: (message) => queue.sendMany([message])[0],
  sendMany(messages) {
    const sent = messages.map((message) => under().outgoing(message));
    call.sent.push(...sent);
    return sent.map(({ id }) => id);
  },
  recall(id) {
    const { host, sent } = under();
    const pending = (message) => message.id === id && message.at > host.now;
    const list = [sent, host.sent].find((it) => it.some(pending));
    list?.splice(list.findIndex(pending), 1);
    return list !== undefined;
  },
};

export const timer = {
  set(name, when, message) {
    const { topic, tag, headers, body, at } = under().outgoing({ ...message, when });
    call.keyed("timers").set(named(name), { topic, tag, headers, body, at });
  },
  cancel: (name) => under().keyed("timers").delete(named(name)),
  reschedule(name, when) {
    const timers = under().keyed("timers");
    const pending = timers.get(named(name));
    if (pending) {
      timers.set(name, { ...pending, at: call.time(when) });
    }
    return pending !== undefined;
  },
};

export const transaction = {
  prepare(name, message) {
    const halves = under().keyed("halves");
    const half = halves.get(named(name)) ?? { state: "prepared", message };
    halves.set(name, half);
    return half.state;
  },
  commit(name) {
    const half = under().half(name);
    if (half.state === "prepared") {
      call.sent.push(call.outgoing(half.message));
      call.scope.halves.set(name, { ...half, state: "committed" });
    }
    return call.scope.halves.get(name).state;
  },
  rollback(name) {
    const half = under().half(name);
    const state = half.state === "prepared" ? "rolled-back" : half.state;
    call.scope.halves.set(name, { ...half, state });
    return state;
  },
};

export const dedup = {
  claim(id, ttl) {
    const claims = under().keyed("claims");
    const first = !(claims.get(named(id)) > call.host.now);
    if (first) {
      claims.set(id, call.host.now + Number(ttl));
    }
    return first;
  },
};

export const state = {
  get: (name) => under().keyed("state").get(named(name))?.slice(),
  put(name, value) {
    within("value bytes", value.length, bounds.valueBytes);
    under().keyed("state").set(named(name), value.slice());
  },
  delete(name) {
    under().keyed("state").delete(named(name));
  },
  scan(prefix, startAfter, limit) {
    const names = [...under().keyed("state").keys()].sort();
    const wanted = names.filter((name) => name.startsWith(prefix) && !(name <= startAfter));
    const page = wanted.slice(0, Math.min(limit, bounds.page));
    return page.map((name) => [name, call.scope.state.get(name).slice()]);
  },
};

export const config = {
  get: (name) => (name in under().host.config ? String(call.host.config[name]) : undefined),
  getAll: () => Object.entries(under().host.config).map(([name, value]) => [name, String(value)]),
};

export const log = {
  write: (level, message) => under().host.logged.push({ level, message }),
};
