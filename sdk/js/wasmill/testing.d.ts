import type { Body, Content, HalfState, Headers, Message, Plugin, Received, Verdict } from "./index.js";

/** A message as a test delivers it. */
export type Delivered = Body & {
  topic: string;
  key?: string;
  tag?: string;
  headers?: Headers;
  /** 1 if left out. */
  attempt?: number;
};

/** A request as a test makes it. */
export type Asked = Body & {
  /** `GET` if left out. */
  method?: string;
  /** `/` if left out. */
  path?: string;
  /** Values of the route's `{parameters}`. */
  params?: Headers;
  query?: Headers;
  headers?: Headers;
};

/** A message that a plugin sent. `at`: when it is due, in milliseconds since the Unix epoch. */
export type Sent = Pick<Message, "id" | "topic" | "key" | "tag" | "headers"> & Received & { readonly at: number };

/** A timer that is pending. */
export type Timer = Pick<Message, "topic" | "tag" | "headers" | "body"> & { readonly at: number };

/** A request that was let in, as the message that it becomes. */
export type Admitted = Pick<Message, "key" | "tag" | "headers"> &
  Received & { readonly dedupId: string | undefined; readonly answer: unknown };

/** What a query answered. */
export type Answered = Received & {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly settled: boolean;
};

/**
 * A host in memory, which calls a plugin's functions and keeps what they do. It keeps to the contract:
 * what that refuses is thrown as a `HostError`, and so is what the role of the call may not do. It has
 * one plugin, so what that sends is not delivered anywhere, but shown.
 */
export class Host {
  /**
   * @param plugin What the plugin's file exports: `import * as plugin from "./plugin.js"`.
   * @param options `topics`: those that the routes declare; all, if left out.
   */
  constructor(
    plugin: Plugin,
    options?: { config?: Record<string, string | number>; topics?: readonly string[]; now?: number },
  );
  /** The plugin's table in the routes. */
  config: Record<string, string | number>;
  /** The topics that the routes declare; all, if there is no list. */
  topics: readonly string[] | undefined;
  /** The host's clock, in milliseconds since the Unix epoch; it stands still but for `advance`. */
  now: number;
  /** All that was sent, those for later too until they are recalled. */
  readonly sent: readonly Sent[];
  /** The lines that were logged, those of handlers that failed among them. */
  readonly logged: { level: string; message: string }[];
  /**
   * Delivers a message; returns what its handler sent.
   * @throws What the handler throws, and nothing of what it did is kept, but half messages.
   */
  deliver(message: Delivered): Promise<Sent[]>;
  /**
   * Moves the clock on, and delivers the timers that fall due meanwhile, in order.
   * @throws What the handler throws: the time is then that of the timer, which stays pending. Also if
   *   more than 10,000 timers ring.
   */
  advance(delay: number): Promise<void>;
  /**
   * Asks `admit` about a request. What it is let in as is not delivered.
   * @throws The `Problem` with which the request is refused.
   */
  admit(request: Asked): Promise<Admitted>;
  /** Asks `answer` about the committed state of a key. */
  answer(key: string, request?: Asked): Promise<Answered>;
  /**
   * Asks `check` about a half message that is not settled, as hosts do by themselves, and does as it
   * says; nothing, if there is no such half message.
   */
  check(key: string, name: string): Promise<Verdict | undefined>;
  /**
   * Has `migrate` bring a key's state up to date from a version of its schema.
   * @throws What `migrate` throws, and nothing of what it did is kept.
   */
  migrate(key: string, from: number): Promise<void>;
  /** The state of a key. */
  state(key: string): Map<string, Uint8Array>;
  /** A value of a key's state that was written as JSON. */
  stateJson<T = unknown>(key: string, name: string): T | undefined;
  /** Writes a value of a key's state, to begin a test with; `JSON.stringify` makes JSON of one. */
  putState(key: string, name: string, value: Content): void;
  /** The pending timers of a key, by name. */
  timers(key: string): Map<string, Timer>;
  /** How a half message of a key is, until a handler settles it, or hears of its end. */
  half(key: string, name: string): HalfState | undefined;
}
