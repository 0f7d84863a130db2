// Values of JavaScript as the contract has them, checked: the bindings below would wrap a negative
// number and send half a surrogate pair as another character.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Deliver so many milliseconds from now. */
export function after(delay) {
  return { tag: "after", val: milliseconds(delay, "delay") };
}

/** Deliver at this time: a `Date`, or milliseconds since the Unix epoch. */
export function at(time) {
  return { tag: "at", val: milliseconds(time instanceof Date ? time.getTime() : time, "time") };
}

/** Deliver after one of RocketMQ's delay levels, 1 to 18. */
export function level(number) {
  if (!Number.isInteger(number) || number < 1 || number > 18) {
    throw new RangeError(`level: a number from 1 to 18 is needed, not ${number}`);
  }
  return { tag: "level", val: number };
}

/** A time or a span of time as the contract's u64. */
export function milliseconds(value, what) {
  const whole = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!whole || value < 0 || value >= 2n ** 64n) {
    throw new RangeError(`${what}: whole milliseconds of at least 0 are needed, not ${value}`);
  }
  return BigInt(value);
}

/** A string that UTF-8 can hold. */
export function text(value, what) {
  if (typeof value !== "string") {
    throw new TypeError(`${what}: a string is needed, not ${value === null ? "null" : typeof value}`);
  }
  if (!value.isWellFormed()) {
    throw new TypeError(`${what}: the string has half of a surrogate pair, which UTF-8 cannot hold`);
  }
  return value;
}

/** A string that may be left out. */
export function optionalText(value, what) {
  return value == null ? undefined : text(value, what);
}

/** Bytes of a body or a state value: bytes as they are, text as UTF-8. */
export function bytes(value, what) {
  if (typeof value === "string") {
    return encoder.encode(text(value, what));
  }
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (value instanceof ArrayBuffer) {
    return new Uint8Array(value);
  }
  throw new TypeError(`${what}: bytes or a string are needed, not ${value === null ? "null" : typeof value}`);
}

/** A value as JSON in UTF-8. */
export function encodeJson(value, what) {
  const json = JSON.stringify(value);
  if (json === undefined) {
    throw new TypeError(`${what}: ${typeof value} is nothing that JSON can hold`);
  }
  // A string of `JSON.stringify` is always well-formed.
  return encoder.encode(json);
}

/** The bytes of `json` if it is there, be it `undefined`, which is refused; else of `body`, else none. */
export function content(given, what = "body") {
  return "json" in given ? encodeJson(given.json, what) : bytes(given.body ?? "", what);
}

/** UTF-8 as a string; a `TypeError` if it is not UTF-8. */
export function decode(value) {
  return decoder.decode(value);
}

/** JSON in UTF-8 as a value; a `SyntaxError` or `TypeError` if it is not that. */
export function decodeJson(value) {
  const json = decode(value);
  // Only an escape can bring in half of a surrogate pair, and only an exponent, or hundreds of digits,
  // a number that is none. Hardly any text has one of these.
  return /\\u[dD][89a-fA-F]|\d[eE]\+?\d{2}|\d{99}/.test(json) ? JSON.parse(json, sound) : JSON.parse(json);
}

function sound(name, value) {
  if (!name.isWellFormed() || (typeof value === "string" && !value.isWellFormed())) {
    throw new SyntaxError("half of a surrogate pair");
  }
  if (value === Infinity || value === -Infinity) {
    throw new SyntaxError("a number too large for JavaScript");
  }
  return value;
}

/** Headers to send, from an object, a `Map`, or pairs. */
export function headerList(headers) {
  const pairs = Symbol.iterator in Object(headers) ? [...headers] : Object.entries(headers ?? {});
  return pairs.map(([name, value]) => [text(name, "header name"), text(value, `header ${name}`)]);
}
