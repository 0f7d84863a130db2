// What of a plugin's exports becomes a component's. Run in sdk/js by `node --test`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import * as roles from "./wasmill/roles.js";
import { formed, functionsOf, interfaces, worldOf } from "./wasmill/world.js";

test("all that the contract exports can be exported", async () => {
  const contract = await readFile(new URL("../../wit/exports.wit", import.meta.url), "utf8");
  const interfaceOf = /^interface ([a-z-]+) \{.*?^ {4}([a-z-]+): func/gms;
  const declared = Array.from(contract.matchAll(interfaceOf), ([, name, exported]) => [exported, name]);
  assert.deepEqual(interfaces, Object.fromEntries(declared));
  assert.deepEqual(Object.keys(roles).sort(), Object.values(interfaces).sort());
});

test("any set of functions is a world", () => {
  const functions = functionsOf(["check", "tierOf", "handle", "admit", "default"]);
  assert.deepEqual(functions, ["handle", "admit", "check"]);
  const world = ["world plugin {", "    include imports;", "    export handler;", "    export gate;", "    export checker;", "}", ""];
  assert.deepEqual(worldOf(functions).split("\n"), world);
});

test("an export that cannot be called as it is to be is an error", () => {
  assert.throws(() => formed("admit", "a text"), /`admit`, which is no function: write `export function admit\(request\)/);
  assert.throws(() => formed("admit", (key, request) => [key, request]), /has `admit` with 2 parameters: write/);
  const answer = (key) => key;
  assert.equal(formed("answer", answer), answer);
});

test("an export that is nearly a plugin's function is an error, and so is none", () => {
  for (const [name, meant] of [["Handle", "handle"], ["gate", "admit"], ["migration", "migrate"], ["_answer", "answer"]]) {
    assert.throws(() => functionsOf(["handle", name]), { message: new RegExp(`\`${name}\`, .* call it \`${meant}\``) });
  }
  assert.throws(() => functionsOf(["answer"]), /does not export `handle`/);
});

test("what a gate throws and is no refusal is told before the trap", async (context) => {
  const told = context.mock.method(console, "error", () => {});
  const gate = roles.gate(() => {
    throw new TypeError("a fault");
  });
  const request = { method: "GET", path: "/", params: [], query: [], headers: [], body: new Uint8Array() };
  await assert.rejects(gate.admit(request), TypeError);
  assert.match(told.mock.calls[0].arguments[0], /^TypeError: a fault/);
});
