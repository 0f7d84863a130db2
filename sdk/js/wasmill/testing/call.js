// The call in progress: what its role may do, and what it did so far.

import { refuse, within } from "./bounds.js";

const max = { sends: 1000, effectBytes: 16 << 20 };

/** What each role may do of the host's, and the words for what it may not. */
const roles = {
  handling: { may: () => true },
  migrating: {
    may: (name) => name.startsWith("state."),
    why: "is refused in `migration.migrate`: it only brings the state up to date; do this in `handler.handle`",
  },
  answering: {
    may: (name) => name === "state.get" || name === "state.scan",
    why: "is refused in `query.answer`: a query only reads; do this in `handler.handle`",
  },
  admitting: {
    may: () => false,
    why: "is refused in `gate.admit`: a gate is stateless; do this in `handler.handle`",
  },
  checking: {
    may: () => false,
    why: "is refused in `checker.check`: a checker only decides; do this in `handler.handle`",
  },
};

const outside =
  "this is refused outside of a call, as at the top level of a file, which runs once, when the plugin is built: " +
  "do it in a function that the host calls, such as `handle`; a test calls these by a method of its `Host`";

let current;

/** The call in progress. The plugin's calls of the host reach the one that it is of. */
export function inProgress() {
  return current ?? refuse("invalid", outside);
}

/** The call in progress, which does something that its role must allow. */
export function doing(name) {
  const call = inProgress();
  const { may, why } = roles[call.role];
  return may(name) ? call : refuse("invalid", `\`${name}\` ${why}`);
}

/** A call of a plugin's function: its effects, until it ends. */
export class Call {
  sent = [];
  /** Ids of messages that were sent before. */
  recalled = new Set();
  /** Half messages that end with the commit, and how. */
  ended = new Map();
  #sends = 0;
  #bytes = 0;

  constructor(host, role, key, scope) {
    Object.assign(this, { host, role, key, scope });
  }

  /** Calls the plugin. Calls run one after another: whoever forgot an `await` hears of it. */
  async run(plugin) {
    if (current) {
      throw new Error("the plugin is being called: await `deliver`, `advance`, and whatever else calls it");
    }
    current = this;
    try {
      return await plugin();
    } finally {
      current = undefined;
    }
  }

  /** What is kept under the key. */
  keyed() {
    return this.key === undefined ? refuse("no-key") : this.scope;
  }

  /** Counts bytes that are sent or written, and the messages that they are of. */
  account(bytes, messages = 0) {
    within("sends per call", this.#sends + messages, max.sends);
    within("bytes sent and written per call", this.#bytes + bytes, max.effectBytes);
    this.#sends += messages;
    this.#bytes += bytes;
  }
}
