// A plugin with all exports. A note comes in by its gate; its handler adds it to the key's state, and
// tells of it with a half message that its checker commits; its query reads what there is. An earlier
// version counted notes and kept the number as "seen".

import { Problem, Reject, state, transaction } from "./wasmill/index.js";

export function admit(request) {
  const { text } = request.json();
  if (text === "") {
    throw new Problem(422, "empty note", "write something", "text");
  }
  return {
    key: request.params.get("user"),
    dedupId: text,
    headers: { by: "gate" },
    body: request.body,
    answer: { noted: true },
  };
}

export function handle(message) {
  const { text } = message.json();
  const before = textOf("text");
  state.put("text", before === undefined ? text : `${before}, ${text}`);
  const { id, key, headers, body } = message;
  transaction.prepare(`told ${id}`, { topic: "noted", key, headers, body });
}

// Puts its decision off once.
export function check({ checks, name, scopeKey, key, headers }) {
  const isTold = checks > 0 && scopeKey === key && headers.get("by") === "gate";
  return isTold ? "commit" : { unknown: `not told yet: ${name}` };
}

export function answer(key, { query }) {
  const text = textOf("text");
  if (text === undefined) {
    return { status: 404, json: "no note" };
  }
  return { json: { text, why: query.get("why") }, settled: true };
}

export function migrate(from) {
  if (from !== 1) {
    throw new Reject(`the state's version ${from} is unknown`);
  }
  const seen = state.get("seen");
  if (seen) {
    state.put("text", seen);
    state.delete("seen");
  }
}

function textOf(name) {
  const value = state.get(name);
  return value && new TextDecoder().decode(value);
}
