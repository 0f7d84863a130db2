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

function refuse(decoding, body, form) {
  try {
    return decoding(body);
  } catch (error) {
    // What the engine throws when it is out of memory is no `Error`, and not the body's fault.
    throw error instanceof Error ? new Reject(`body: not ${form}: ${error.message}`) : error;
  }
}
