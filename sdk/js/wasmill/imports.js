// The host's interfaces, an object each.

import * as host from "#host";

import { Retry, call } from "./errors.js";
import { bytes, content, decodeJson, encodeJson, headerList, milliseconds, optionalText, text } from "./values.js";

const now = { tag: "now" };
const pageMax = 1000;

function outgoing({ topic, key, tag, headers, when = now, ...rest }) {
  return {
    topic: text(topic, "topic"),
    key: optionalText(key, "key"),
    tag: optionalText(tag, "tag"),
    headers: headerList(headers),
    body: content(rest),
    when,
  };
}

export const queue = {
  send(message) {
    return call(host.queue.send, outgoing(message));
  },
  sendMany(messages) {
    return call(host.queue.sendMany, Array.from(messages, outgoing));
  },
  recall(id) {
    return call(host.queue.recall, text(id, "id"));
  },
};

export const timer = {
  set(name, when, message) {
    const { topic, tag, headers, body } = outgoing(message);
    call(host.timer.set, text(name, "timer"), when, { topic, tag, headers, body });
  },
  cancel(name) {
    return call(host.timer.cancel, text(name, "timer"));
  },
  reschedule(name, when) {
    return call(host.timer.reschedule, text(name, "timer"), when);
  },
};

export const transaction = {
  prepare(name, message) {
    return call(host.transaction.prepare, text(name, "half message"), outgoing(message));
  },
  commit(name) {
    return call(host.transaction.commit, text(name, "half message"));
  },
  rollback(name) {
    return call(host.transaction.rollback, text(name, "half message"));
  },
};

export const dedup = {
  claim(id, ttl) {
    return call(host.dedup.claim, text(id, "id"), milliseconds(ttl, "ttl"));
  },
};

export const state = {
  get(name) {
    return call(host.state.get, text(name, "state"));
  },
  getJson(name) {
    const value = state.get(name);
    return value && decodeJson(value);
  },
  put(name, value) {
    call(host.state.put, text(name, "state"), bytes(value, `state ${name}`));
  },
  putJson(name, value) {
    call(host.state.put, text(name, "state"), encodeJson(value, `state ${name}`));
  },
  delete(name) {
    call(host.state.delete, text(name, "state"));
  },
  *scan(prefix = "") {
    let page = [];
    do {
      const last = page.at(-1)?.[0];
      page = call(host.state.scan, text(prefix, "prefix"), last, pageMax);
      yield* page;
    } while (page.length > 0);
  },
};

export const config = {
  get(name) {
    return host.config.get(text(name, "config"));
  },
  getInteger(name, fallback, min = Number.MIN_SAFE_INTEGER) {
    const value = config.get(name);
    if (value === undefined) {
      return fallback;
    }
    if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(Number(value))) {
      throw new Retry(`config ${name}: "${value}" is no whole number: mend it in the routes`);
    }
    if (Number(value) < min) {
      throw new Retry(`config ${name}: ${value} is below ${min}: mend it in the routes`);
    }
    return Number(value);
  },
  getAll() {
    return new Map(host.config.getAll());
  },
};

const write = (level) => (message) => host.log.write(level, String(message).toWellFormed());

export const log = {
  trace: write("trace"),
  debug: write("debug"),
  info: write("info"),
  warn: write("warn"),
  error: write("error"),
};
