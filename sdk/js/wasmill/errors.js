// How a handler fails, and how the host refuses a call.

import { milliseconds } from "./values.js";

/** Thrown by a handler: the message is never delivered again, and becomes a dead letter. */
export class Reject extends Error {
  name = "Reject";
}

/** Thrown by a handler: the message is delivered again after the subscription's next delay. */
export class Retry extends Error {
  name = "Retry";
}

/** Thrown by a handler: the message is delivered again after `delay` milliseconds. */
export class RetryAfter extends Error {
  name = "RetryAfter";

  constructor(delay, cause) {
    super(cause);
    this.delay = milliseconds(delay, "delay");
  }
}

/** Thrown by a gate or a query: the request is refused, and answered as `application/problem+json`. */
export class Problem extends Error {
  name = "Problem";

  constructor(status, title, detail, field) {
    super(detail);
    Object.assign(this, { status, title, field });
  }
}

/** A call that the host refused. Not caught, it becomes `retry` with its words. */
export class HostError extends Error {
  name = "HostError";

  constructor(kind, cause) {
    super(cause);
    this.kind = kind;
  }
}

function words({ tag, val }) {
  switch (tag) {
    case "no-key":
      return "the message has no key, and state, timers and dedup claims belong to one";
    case "limit":
      return `${val.what}: ${val.actual} is over the limit of ${val.limit}`;
    case "unknown-topic":
      return `topic \`${val}\` is not declared in the routes`;
    case "unavailable":
      return `the store could not be read: ${val}`;
    default:
      return val;
  }
}

/** A call of the host, which refuses by throwing a `payload`, as bindings do: it becomes a `HostError`. */
export function call(hostFunction, ...args) {
  try {
    return hostFunction(...args);
  } catch (error) {
    const refusal = error?.payload;
    throw refusal?.tag ? new HostError(refusal.tag, words(refusal)) : error;
  }
}

/** The contract's failure for whatever a handler threw. */
export function failure(error) {
  const cause = String(error?.message ?? error);
  if (error instanceof Reject) {
    return { tag: "reject", val: cause };
  }
  if (error instanceof RetryAfter) {
    return { tag: "retry-after", val: { delay: error.delay, cause } };
  }
  return { tag: "retry", val: describe(error) };
}

/** An error in a line: its words if they are meant for people, else where it was thrown too. */
export function describe(error) {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (error instanceof Retry || error instanceof HostError) {
    return error.message;
  }
  const frame = error.stack?.split("\n").find((line) => /:\d+:\d+\)?$/.test(line));
  return frame ? `${error.name}: ${error.message} (${frame.trim()})` : String(error);
}
