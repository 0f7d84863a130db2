// What reaches a plugin with a body.

import { Reject } from "./errors.js";
import { decode, decodeJson } from "./values.js";

/** A message, a request or a half message: the fields of the contract, and readers of its body. */
export class Received {
  constructor(fields) {
    Object.assign(this, fields);
  }

  /** The body as text. */
  text() {
    return refuse(decode, this.body, "UTF-8");
  }

  /** The body as a value of JSON. */
  json() {
    return refuse(decodeJson, this.body, "JSON");
  }
}

/** A message. */
export class Message extends Received {
  /** Of what the bindings give. */
  static of(raw) {
    return new Message({ ...raw, headers: new Map(raw.headers), producedAt: Number(raw.producedAt) });
  }

  /** The key, for handlers that need one. */
  requireKey() {
    if (this.key === undefined) {
      throw new Reject(
        `a message of \`${this.topic}\` needs a key: send it with one, or give subscription ` +
          `\`${this.subscription}\` a \`key\``,
      );
    }
    return this.key;
  }
}

/** A request, of what the bindings give. */
export function requestOf(raw) {
  const params = new Map(raw.params);
  const query = new URLSearchParams(raw.query);
  return new Received({ ...raw, params, query, headers: new Map(raw.headers) });
}

/** A half message, of what the bindings give. */
export function halfOf(raw) {
  return new Received({ ...raw, headers: new Map(raw.headers), preparedAt: Number(raw.preparedAt) });
}

function refuse(decoding, body, form) {
  try {
    return decoding(body);
  } catch (error) {
    // What the engine throws when it is out of memory is no `Error`, and not the body's fault.
    throw error instanceof Error ? new Reject(`body: not ${form}: ${error.message}`) : error;
  }
}
