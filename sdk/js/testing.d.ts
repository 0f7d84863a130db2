import type { Body, Headers, Message, Plugin } from "./index.js";

/** A message as a test delivers it. */
export type Delivered = Body & {
  topic: string;
  key?: string;
  tag?: string;
  headers?: Headers;
  /** 1 if left out. */
  attempt?: number;
};

/** A message that a plugin sent. `at`: when it is due, in milliseconds since the Unix epoch. */
export type Sent = Pick<Message, "id" | "topic" | "key" | "tag" | "headers" | "body" | "text" | "json"> & {
  readonly at: number;
};

/** A timer that is pending. */
export type Timer = Pick<Message, "topic" | "tag" | "headers" | "body"> & { readonly at: number };

/** A host in memory, which delivers messages to a plugin and keeps what it does. */
export class Host {
  /** @param plugin What the plugin's file exports: `import * as plugin from "./plugin.js"`. */
  constructor(plugin: Plugin, options?: { config?: Record<string, string | number>; now?: number });
  /** The plugin's table in the routes. */
  config: Record<string, string | number>;
  /** The host's clock, in milliseconds since the Unix epoch; it stands still but for `advance`. */
  now: number;
  /** All that was sent. */
  readonly sent: Sent[];
  /** The lines that were logged. */
  readonly logged: { level: string; message: string }[];
  /**
   * Delivers a message; returns what its handler sent. What the handler throws is thrown, and
   * nothing of what it did is kept.
   */
  deliver(message: Delivered): Promise<Sent[]>;
  /** Moves the clock on, and delivers the timers that fall due meanwhile, in order. */
  advance(delay: number): Promise<void>;
  /** The state of a key. */
  state(key: string): Map<string, Uint8Array>;
  /** A value of a key's state that was written as JSON. */
  stateJson<T = any>(key: string, name: string): T | undefined;
  /** The pending timers of a key, by name. */
  timers(key: string): Map<string, Timer>;
}
