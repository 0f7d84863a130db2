// What is kept under a key.

import { Buffer } from "node:buffer";

const page = { entries: 1000, bytes: 1 << 20 };

/** State, timers, claims and half messages of a key. */
export class Scope {
  state = new Map();
  timers = new Map();
  /** Until when. */
  claims = new Map();
  halves = new Map();

  /** A copy, to be changed and then kept, or dropped. */
  copy() {
    const copies = Object.entries(this).map(([kind, entries]) => [kind, new Map(entries)]);
    return Object.assign(new Scope(), Object.fromEntries(copies));
  }

  scan(prefix, startAfter, limit) {
    const after = startAfter === undefined ? () => true : (name) => inByteOrder(name, startAfter) > 0;
    const names = [...this.state.keys()].filter((name) => name.startsWith(prefix) && after(name));
    let bytes = 0;
    const fits = (name, nth) => (bytes += this.state.get(name).length) <= page.bytes || nth === 0;
    const wanted = names.sort(inByteOrder).slice(0, Math.min(limit, page.entries));
    const end = wanted.findIndex((name, nth) => !fits(name, nth));
    const found = end < 0 ? wanted : wanted.slice(0, end);
    return found.map((name) => [name, this.state.get(name).slice()]);
  }
}

// The order of UTF-8. That of JavaScript's strings has characters beyond 16 bits before some of those
// within.
function inByteOrder(a, b) {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
