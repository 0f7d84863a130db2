/** Bytes, or text that is sent as UTF-8. */
export type Content = Uint8Array | ArrayBuffer | string;

/**
 * A body: a value that is sent as JSON, or the bytes themselves, or none. A `json` that is there and
 * undefined is refused.
 */
export type Body = { json: unknown; body?: undefined } | { json?: never; body?: Content };

/** Headers to send: an object, a `Map`, or pairs. A name may occur once. */
export type Headers = Record<string, string> | Iterable<readonly [string, string]>;

/** What has a body that came in. */
export interface Received {
  /** The raw body. */
  readonly body: Uint8Array;
  /**
   * The body as text.
   * @throws {Reject} If it is not UTF-8.
   */
  text(): string;
  /**
   * The body as a value of JSON. Nothing is checked beyond that: look at its fields before you trust
   * them. Whole numbers above 2^53 lose digits.
   * @throws {Reject} If it is not JSON.
   */
  json<T = unknown>(): T;
}

/** A message as a subscription receives it. */
export interface Message extends Received {
  /** Unique for ever: 32 hexadecimal digits. The same for every subscription and attempt. */
  readonly id: string;
  /** The topic it was sent to. */
  readonly topic: string;
  /** The subscription that delivers it, as the operator named it. */
  readonly subscription: string;
  /** The key under which this subscription handles it; none for an unkeyed message. */
  readonly key: string | undefined;
  /** The sender's tag. */
  readonly tag: string | undefined;
  /** The sender's headers. */
  readonly headers: ReadonlyMap<string, string>;
  /** When it was sent, in milliseconds since the Unix epoch; for a delayed one, when it fell due. */
  readonly producedAt: number;
  /** 1 for the first delivery to this subscription, then one more each time. */
  readonly attempt: number;
  /** The id of the message that began this flow. */
  readonly correlation: string;
  /** The id of the message whose handler sent this one; none at the beginning of a flow. */
  readonly causation: string | undefined;
  /**
   * The key, for handlers that need one.
   * @throws {Reject} If there is none.
   */
  requireKey(): string;
}

/** An HTTP request on a route of this plugin. */
export interface Request extends Received {
  /** In upper case. */
  readonly method: string;
  /** The path as it was asked for, without the query string. */
  readonly path: string;
  /** Values of the route's `{parameters}`. */
  readonly params: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
  /** Names are in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** A half message that is not settled. */
export interface Half extends Received {
  readonly id: string;
  /** The name under which the handler prepared it. */
  readonly name: string;
  /** The key of that handler. */
  readonly scopeKey: string;
  /** In milliseconds since the Unix epoch. */
  readonly preparedAt: number;
  /** How often the answer was that it is unknown. */
  readonly checks: number;
  readonly topic: string;
  readonly key: string | undefined;
  readonly tag: string | undefined;
  readonly headers: ReadonlyMap<string, string>;
}

/** A request let in, as the message that it becomes. */
export type Accepted = Body & {
  /** The message's key; none for an unkeyed one. */
  key?: string;
  /** The producer's id of this request within the key. The same id again starts nothing. */
  dedupId?: string;
  tag?: string;
  headers?: Headers;
  /** What is answered, as JSON, once the message is durable; nothing if left out. */
  answer?: unknown;
};

/** The answer to a query. */
export type Response = Body & {
  /** 200 if left out. */
  status?: number;
  headers?: Headers;
  /** Whether the flow behind it has reached its outcome; if left out, it has not. */
  settled?: boolean;
};

/** What is to become of a half message. `unknown`, with the reason: ask again later. */
export type Verdict = "commit" | "rollback" | { unknown: string };

/**
 * What a plugin's file exports. The functions may be `async`. What `handle` throws undoes all that
 * it did: `Reject`, `Retry` and `RetryAfter` say what comes next, anything else is tried again.
 */
export interface Plugin {
  /** Handles one message. All that it does is one commit. */
  handle(message: Message): unknown;
  /**
   * Lets a request in as a message, or throws a `Problem`; a `Reject`, as of a body that is not JSON,
   * is one of status 400, anything else a fault of the plugin. It has no state, timers or sends.
   */
  admit?(request: Request): Accepted | Promise<Accepted>;
  /**
   * Answers a request from the durable state of a key. It can only read. A `Problem` or `Reject` that
   * it throws is answered as by a gate.
   */
  answer?(key: string, request: Request): Response | Promise<Response>;
  /** Decides about a half message that a handler left unsettled. What it throws means unknown. */
  check?(half: Half): Verdict | Promise<Verdict>;
  /**
   * Brings a key's state up to date that a version of this plugin with a lower `state-version` wrote.
   * It has `state`, `config` and `log`; what it throws fails the message's attempt.
   */
  migrate?(from: number): unknown;
}

declare const delivery: unique symbol;
/** When a message is to be delivered. */
export interface Delivery {
  readonly [delivery]: true;
}

/**
 * So many milliseconds from now.
 * @throws {RangeError} If `delay` is negative, or not whole.
 */
export function after(delay: number | bigint): Delivery;
/**
 * At this time: a `Date`, or milliseconds since the Unix epoch. A time in the past means now.
 * @throws {RangeError} If `time` is negative, or not whole.
 */
export function at(time: Date | number | bigint): Delivery;
/**
 * After one of RocketMQ's delay levels, 1 to 18: 1s 5s 10s 30s 1m 2m ... 10m 20m 30m 1h 2h.
 * @throws {RangeError} If it is none of these.
 */
export function level(number: number): Delivery;

/** A message that a timer delivers to this plugin. */
export type Alarm = Body & {
  /** A subscription of this plugin must match it, and the tag. */
  topic: string;
  tag?: string;
  /** At most 128, of 16 KiB together. */
  headers?: Headers;
};

/** A message to send; its body has at most 4 MiB. */
export type Outgoing = Alarm & {
  /** Order, state and partition of the message; none for one without. */
  key?: string;
  /** When to deliver it; with the handler's commit if left out. */
  when?: Delivery;
};

/** How a half message is. */
export type HalfState = "prepared" | "committed" | "rolled-back";

/**
 * Sending messages. A send becomes real with the handler's commit, or not at all.
 * @throws {HostError} Each function, if the host refuses the call.
 */
export const queue: {
  /** Sends a message; returns the id that it will carry. */
  send(message: Outgoing): string;
  /** Sends all of the messages, or none; returns their ids in order. */
  sendMany(messages: Iterable<Outgoing>): string[];
  /** Recalls a delayed message that was sent under this key. True if it now never arrives. */
  recall(id: string): boolean;
};

/**
 * Named timers of this plugin and key.
 * @throws {HostError} Each function, if the host refuses the call.
 */
export const timer: {
  /** Sets the timer of this name, in place of one that is pending. */
  set(name: string, when: Delivery, message: Alarm): void;
  /** Cancels it. True if it was pending. */
  cancel(name: string): boolean;
  /** Moves it to another time. False, and nothing done, if none is pending. */
  reschedule(name: string, when: Delivery): boolean;
};

/**
 * Half messages: durable before the handler goes on, delivered once they are committed.
 * @throws {HostError} Each function, if the host refuses the call.
 */
export const transaction: {
  /** Prepares one under a name of this key, or tells how the one that is there stands. */
  prepare(name: string, message: Outgoing): HalfState;
  /** Commits it with this handler's commit; returns the state that stands. */
  commit(name: string): HalfState;
  /** Rolls it back with this handler's commit; returns the state that stands. */
  rollback(name: string): HalfState;
};

/**
 * Claims of ids by this plugin and key: the first one wins, for a time.
 * @throws {HostError} Each function, if the host refuses the call.
 */
export const dedup: {
  /** Claims an id for `ttl` milliseconds. False while an earlier claim is in force. */
  claim(id: string, ttl: number | bigint): boolean;
};

/**
 * What this plugin keeps under the message's key. A name has 1 to 256 bytes, a value 1 MiB.
 * @throws {HostError} Each function, if the host refuses the call.
 */
export const state: {
  /** A value's bytes; none if it is absent. */
  get(name: string): Uint8Array | undefined;
  /** A value that `putJson` wrote. */
  getJson<T = unknown>(name: string): T | undefined;
  put(name: string, value: Content): void;
  /** Writes a value as JSON. */
  putJson(name: string, value: unknown): void;
  /** Deletes a value; nothing happens if it is absent. */
  delete(name: string): void;
  /** All names that begin with `prefix` and their values, in byte order, read page by page. */
  scan(prefix?: string): Generator<[name: string, value: Uint8Array], void>;
};

/** The plugin's table in the operator's routes. Read it while a message is handled. */
export const config: {
  /** A value as text, whatever its type in the routes. */
  get(name: string): string | undefined;
  /**
   * A whole number of at least `min`, or `fallback` if it is not given.
   * @throws {Retry} If it is no such number.
   */
  getInteger(name: string, fallback: number, min?: number): number;
  getAll(): Map<string, string>;
};

/** Lines in the host's log, cut at 8 KiB. */
export const log: Record<"trace" | "debug" | "info" | "warn" | "error", (message: string) => void>;

/** Thrown by a handler: the message is never delivered again, and becomes a dead letter. */
export class Reject extends Error {}

/** Thrown by a handler: the message is delivered again after the subscription's next delay. */
export class Retry extends Error {}

/** Thrown by a handler: the message is delivered again after `delay` milliseconds. */
export class RetryAfter extends Error {
  /** In milliseconds. */
  readonly delay: bigint;
  /** @throws {RangeError} If `delay` is negative, or not whole. */
  constructor(delay: number | bigint, cause: string);
}

/** Thrown by a gate or a query: the request is refused, and answered as `application/problem+json`. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly field: string | undefined;
  /**
   * @param status From 400 to 499.
   * @param title A few words that name the kind of problem.
   * @param detail What is wrong with this request, and the remedy.
   * @param field The offending field, if there is one.
   */
  constructor(status: number, title: string, detail: string, field?: string);
}

/** A call that the host refused; it changed nothing. Not caught, it becomes a retry. */
export class HostError extends Error {
  readonly kind: Refusal;
  constructor(kind: Refusal, cause: string);
}

/** Why the host refuses a call, in a word. */
export type Refusal = "no-key" | "limit" | "unknown-topic" | "invalid" | "unavailable";
