// What a plugin calls, in unit tests: it stands in the place of `component.js`.

import { Received } from "../body.js";
import * as bounds from "./bounds.js";
import { doing, inProgress } from "./call.js";

const logLineBytesMax = 8 << 10;

/** A message that is sent, once its parts are checked. */
function outgoing(call, { topic, key, tag, headers, body, when }) {
  if (call.host.topics && !call.host.topics.includes(topic)) {
    bounds.refuse("unknown-topic", topic);
  }
  bounds.message({ key, tag, headers, body });
  const at = bounds.due(when, call.host.now);
  return { topic, key, tag, headers, body, at };
}

/** The message as tests see it. */
function sent(call, id, { headers, ...message }) {
  return new Received({ ...message, id, headers: new Map(headers), scopeKey: call.key });
}

export const queue = {
  send: (message) => queue.sendMany([message])[0],
  sendMany(messages) {
    const call = doing("queue.send");
    const checked = messages.map((message) => outgoing(call, message));
    const bytes = checked.map(({ topic, body }) => bounds.length(topic) + body.length);
    call.account(bytes.reduce((sum, it) => sum + it, 0), checked.length);
    const all = checked.map((message) => sent(call, call.host.newId(), message));
    call.sent.push(...all);
    return all.map(({ id }) => id);
  },
  recall(id) {
    const call = doing("queue.recall");
    if (!/^[0-9a-fA-F]{32}$/.test(id)) {
      bounds.refuse("invalid", `a message id has 32 hexadecimal digits, this one is ${JSON.stringify(id)}`);
    }
    call.keyed();
    const pending = (it) => it.id === id && it.scopeKey === call.key && it.at > call.host.now;
    const own = call.sent.findIndex(pending);
    if (own >= 0) {
      call.sent.splice(own, 1);
      return true;
    }
    const found = !call.recalled.has(id) && call.host.sent.some(pending);
    if (found) {
      call.recalled.add(id);
    }
    return found;
  },
};

export const timer = {
  set(name, when, message) {
    const call = doing("timer.set");
    const timers = call.keyed().timers;
    bounds.named(name);
    const { topic, tag, headers, body, at } = outgoing(call, { ...message, key: undefined, when });
    call.account(body.length + bounds.length(name), 1);
    timers.set(name, { id: call.host.newId(), topic, tag, headers: new Map(headers), body, at });
  },
  cancel(name) {
    const call = doing("timer.cancel");
    return call.keyed().timers.delete(bounds.named(name));
  },
  reschedule(name, when) {
    const call = doing("timer.reschedule");
    const timers = call.keyed().timers;
    const pending = timers.get(bounds.named(name));
    if (pending) {
      call.account(0, 1);
      timers.set(name, { ...pending, id: call.host.newId(), at: bounds.due(when, call.host.now) });
    }
    return pending !== undefined;
  },
};

export const transaction = {
  prepare(name, message) {
    const call = doing("transaction.prepare");
    const halves = call.keyed().halves;
    if (call.ended.has(bounds.named(name))) {
      bounds.refuse("invalid", `half message \`${name}\` was settled in this call: take another name`);
    }
    const there = halves.get(name);
    if (there) {
      if (there.state !== "prepared") {
        call.ended.set(name, there.state);
      }
      return there.state;
    }
    const { at, ...checked } = outgoing(call, message);
    call.account(bounds.length(checked.topic) + checked.body.length, 1);
    const { host } = call;
    const half = {
      ...{ state: "prepared", id: host.newId(), preparedAt: host.now, checks: 0 },
      ...{ message: checked, when: message.when },
    };
    halves.set(name, half);
    // Whatever becomes of the handler.
    host.keep(call.key).halves.set(name, half);
    return half.state;
  },
  commit: (name) => settle("transaction.commit", name, "committed"),
  rollback: (name) => settle("transaction.rollback", name, "rolled-back"),
};

function settle(what, name, decision) {
  const call = doing(what);
  const half = call.keyed().halves.get(bounds.named(name));
  if (call.ended.has(name)) {
    return call.ended.get(name);
  }
  if (!half) {
    bounds.refuse("invalid", `there is no half message \`${name}\` under this key: prepare it first`);
  }
  const stands = half.state === "prepared" ? decision : half.state;
  call.ended.set(name, stands);
  return stands;
}

export const dedup = {
  claim(id, ttl) {
    const call = doing("dedup.claim");
    const claims = call.keyed().claims;
    call.account(bounds.length(bounds.named(id)));
    const first = !(claims.get(id) > call.host.now);
    if (first) {
      claims.set(id, call.host.now + Number(ttl));
    }
    return first;
  },
};

export const state = {
  get(name) {
    const call = doing("state.get");
    return call.keyed().state.get(bounds.named(name))?.slice();
  },
  put(name, value) {
    const call = doing("state.put");
    const entries = call.keyed().state;
    bounds.value(value);
    call.account(bounds.length(bounds.named(name)) + value.length);
    entries.set(name, value.slice());
  },
  delete(name) {
    const call = doing("state.delete");
    const entries = call.keyed().state;
    call.account(bounds.length(bounds.named(name)));
    entries.delete(name);
  },
  scan: (prefix, startAfter, limit) => doing("state.scan").keyed().scan(prefix, startAfter, limit),
};

export const config = {
  get(name) {
    const values = inProgress().host.config;
    return Object.hasOwn(values, name) ? String(values[name]) : undefined;
  },
  getAll: () => Object.entries(inProgress().host.config).map(([name, value]) => [name, String(value)]),
};

export const log = {
  write(level, message) {
    const { host } = inProgress();
    host.logged.push({ level, message: cut(message) });
  },
};

function cut(line) {
  const bytes = new TextEncoder().encode(line).subarray(0, logLineBytesMax);
  // The part of a character that is left of a cut is taken for one that goes on.
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });
}
