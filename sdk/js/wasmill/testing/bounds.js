// The contract's bounds and forms, checked as the host does.

import { Buffer } from "node:buffer";

const max = {
  nameBytes: 256,
  keyBytes: 256,
  tagBytes: 127,
  headers: 128,
  headerBytes: 16 << 10,
  bodyBytes: 4 << 20,
  valueBytes: 1 << 20,
};
/** RocketMQ's delay levels in seconds, from level 1 on. */
const levels = [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];

/** The length of a text in UTF-8. */
export function length(text) {
  return Buffer.byteLength(text);
}

/** Refuses a call, in the way in which the bindings of a component do. */
export function refuse(tag, val) {
  throw { payload: { tag, val } };
}

/** Checks a size or a count. */
export function within(what, actual, limit) {
  if (actual > limit) {
    refuse("limit", { what, limit: BigInt(limit), actual: BigInt(actual) });
  }
}

/** Checks a name that the plugin chose, and returns it. */
export function named(name) {
  if (name === "" || name.includes("\0")) {
    refuse("invalid", `a name has 1 to ${max.nameBytes} bytes and no NUL, this one is ${JSON.stringify(name)}`);
  }
  within("name bytes", length(name), max.nameBytes);
  return name;
}

/** Checks a value of the state. */
export function value(bytes) {
  within("state value bytes", bytes.length, max.valueBytes);
}

/** Checks the parts of a message. */
export function message({ key, tag, headers, body }) {
  if (key === "") {
    refuse("invalid", "a key has at least one byte");
  }
  within("key bytes", length(key ?? ""), max.keyBytes);
  within("tag bytes", length(tag ?? ""), max.tagBytes);
  within("headers", headers.length, max.headers);
  const sizes = headers.map(([name, value]) => length(name) + length(value));
  within("header bytes", sizes.reduce((sum, size) => sum + size, 0), max.headerBytes);
  within("body bytes", body.length, max.bodyBytes);
}

/** When a message is due, in milliseconds since the Unix epoch: never before now. */
export function due({ tag, val }, now) {
  const delays = { now: () => 0, after: () => Number(val), at: () => Number(val) - now, level: () => levels[val - 1] * 1000 };
  return now + Math.max(delays[tag](), 0);
}
