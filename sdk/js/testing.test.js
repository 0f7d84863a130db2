// The host in memory keeps to the contract. Run in sdk/js by `node --test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Reject, Retry, after, at, config, dedup, level, log, queue, state, timer, transaction } from "./wasmill/index.js";
import { Host } from "./wasmill/testing.js";

/** A host whose plugin does `handle`. */
function host(handle, options) {
  return new Host({ handle }, options);
}

test("what a failed handler did is not kept", async () => {
  const it = host((message) => {
    state.putJson("n", message.json());
    queue.send({ topic: "t" });
    timer.set("x", after(1), { topic: "t" });
    assert.equal(dedup.claim("id", 1_000), true);
    if (message.json() === 1) {
      throw new Retry("no");
    }
  });
  await assert.rejects(it.deliver({ topic: "t", key: "k", json: 1 }), Retry);
  assert.deepEqual([it.state("k").size, it.timers("k").size, it.sent.length], [0, 0, 0]);
  await it.deliver({ topic: "t", key: "k", json: 2 });
  assert.deepEqual([it.stateJson("k", "n"), it.timers("k").size, it.sent.length], [2, 1, 1]);
});

test("state, timers and claims need a key", async () => {
  for (const call of [() => state.get("a"), () => timer.cancel("a"), () => dedup.claim("a", 1)]) {
    await assert.rejects(host(call).deliver({ topic: "t" }), { name: "HostError", kind: "no-key" });
  }
});

test("state is read page by page, in the order of names", async () => {
  const it = host(() => {
    for (let n = 0; n < 2_100; n += 1) {
      state.put(`n${String(n).padStart(4, "0")}`, "v");
    }
    state.put("other", "v");
    const names = Array.from(state.scan("n"), ([name]) => name);
    assert.deepEqual([names.length, names[0], names.at(-1)], [2_100, "n0000", "n2099"]);
  });
  await it.deliver({ topic: "t", key: "k" });
});

test("timers are delivered in order when the clock moves on, and may be set, moved and cancelled", async () => {
  const seen = [];
  const it = host((message) => {
    seen.push(message.topic);
    if (message.topic === "begin") {
      timer.set("b", after(20), { topic: "b" });
      timer.set("a", after(10), { topic: "a" });
      timer.set("c", after(5), { topic: "c" });
      assert.equal(timer.cancel("c"), true);
      assert.equal(timer.reschedule("b", at(it.now + 5)), true);
      assert.equal(timer.reschedule("c", level(1)), false);
    }
  });
  await it.deliver({ topic: "begin", key: "k" });
  await it.advance(9);
  assert.deepEqual(seen, ["begin", "b"]);
  await it.advance(1);
  assert.deepEqual(seen, ["begin", "b", "a"]);
});

test("a half message is delivered once it is committed", async () => {
  const it = host(({ topic }) => {
    if (topic === "begin") {
      assert.equal(transaction.prepare("pay", { topic: "paid", json: 1 }), "prepared");
    } else {
      assert.equal(transaction.commit("pay"), "committed");
      assert.equal(transaction.rollback("pay"), "committed");
    }
  });
  assert.equal((await it.deliver({ topic: "begin", key: "k" })).length, 0);
  const [paid] = await it.deliver({ topic: "end", key: "k" });
  assert.deepEqual([paid.topic, paid.json()], ["paid", 1]);
});

test("a half message outlives the handler that prepared it", async () => {
  const seen = [];
  const it = host(({ topic }) => {
    seen.push(transaction.prepare("pay", { topic: "paid", json: topic }));
    if (topic === "first") {
      throw new Retry("killed");
    }
    transaction.commit("pay");
  });
  await assert.rejects(it.deliver({ topic: "first", key: "k" }), Retry);
  assert.equal(it.half("k", "pay"), "prepared");
  const [paid] = await it.deliver({ topic: "again", key: "k" });
  assert.deepEqual([seen, paid.json(), it.half("k", "pay")], [["prepared", "prepared"], "first", undefined]);
});

test("the name of a half message is free again once that is settled", async () => {
  const it = host(({ topic }) => {
    assert.equal(transaction.prepare("pay", { topic }), "prepared");
    assert.equal(transaction.commit("pay"), "committed");
    assert.throws(() => transaction.prepare("pay", { topic }), { kind: "invalid", message: /settled in this call/ });
  });
  await it.deliver({ topic: "a", key: "k" });
  await it.deliver({ topic: "b", key: "k" });
  assert.deepEqual(it.sent.map(({ topic }) => topic), ["a", "b"]);
});

test("a checker decides about a half message, and the handler is told once", async () => {
  const told = [];
  const handle = () => told.push(transaction.prepare("pay", { topic: "paid" }));
  for (const decision of ["commit", "rollback"]) {
    const check = ({ checks }) => (checks === 0 ? { unknown: "not yet" } : decision);
    const it = new Host({ handle, check });
    await it.deliver({ topic: "t", key: "k" });
    assert.deepEqual(await it.check("k", "pay"), { unknown: "not yet" });
    assert.equal(await it.check("k", "pay"), decision);
    assert.equal(await it.check("k", "pay"), undefined);
    assert.equal(it.sent.length, decision === "commit" ? 1 : 0);
    await it.deliver({ topic: "t", key: "k" });
    assert.equal(it.half("k", "pay"), undefined);
  }
  assert.deepEqual(told, ["prepared", "committed", "prepared", "rolled-back"]);
});

test("each role may do what the contract lets it, and its plugin's function is called", async () => {
  const read = () => ({ json: state.getJson("n") ?? null });
  const plugin = {
    handle: () => state.putJson("n", 7),
    admit: (request) => ({ key: request.params.get("user"), json: request.json(), answer: { ok: true } }),
    answer: (key, request) => ({ status: 203, json: [key, request.query.get("q"), state.getJson("n")] }),
    migrate: (from) => state.putJson("n", state.getJson("n") + from),
  };
  const it = new Host(plugin);
  await it.deliver({ topic: "t", key: "k" });
  const admitted = await it.admit({ method: "POST", params: { user: "ann" }, json: 1 });
  assert.deepEqual([admitted.key, admitted.json(), admitted.answer], ["ann", 1, { ok: true }]);
  await assert.rejects(it.admit({ body: "{" }), { name: "Problem", status: 400, title: "invalid request" });
  const answered = await it.answer("k", { query: { q: "why" } });
  assert.deepEqual([answered.status, answered.json()], [203, ["k", "why", 7]]);
  await it.migrate("k", 2);
  assert.equal(it.stateJson("k", "n"), 9);

  const refuses = (calls, message) => assert.rejects(calls, { name: "HostError", kind: "invalid", message });
  await refuses(new Host({ ...plugin, admit: read }).admit({}), /`state.get` is refused in `gate.admit`/);
  const write = new Host({ ...plugin, answer: plugin.handle });
  await refuses(write.answer("k"), /`state.put` is refused in `query.answer`/);
  const send = new Host({ ...plugin, migrate: () => queue.send({ topic: "t" }) });
  await refuses(send.migrate("k", 1), /`queue.send` is refused in `migration.migrate`/);
  assert.throws(() => state.get("n"), { kind: "invalid", message: /outside of a call/ });
  await assert.rejects(host(() => {}).answer("k"), /does not export `answer`/);
});

test("a migration that fails leaves the state as it was", async () => {
  const migrate = () => {
    state.delete("n");
    throw new Reject("no");
  };
  const it = new Host({ handle() {}, migrate });
  it.putState("k", "n", "5");
  await assert.rejects(it.migrate("k", 1), Reject);
  assert.equal(it.stateJson("k", "n"), 5);
});

test("what the contract refuses is refused", async () => {
  const long = "x".repeat(257);
  const cases = [
    ["invalid", () => state.get("")],
    ["invalid", () => state.put("a\0b", "")],
    ["limit", () => state.get(long)],
    ["limit", () => state.put("a", new Uint8Array((1 << 20) + 1))],
    ["invalid", () => timer.cancel("a\0")],
    ["invalid", () => dedup.claim("", 1)],
    ["invalid", () => transaction.commit("never")],
    ["invalid", () => queue.send({ topic: "t", key: "" })],
    ["limit", () => queue.send({ topic: "t", key: long })],
    ["limit", () => queue.send({ topic: "t", tag: "x".repeat(128) })],
    ["limit", () => queue.send({ topic: "t", headers: { a: "x".repeat(20_000) } })],
    ["limit", () => queue.send({ topic: "t", headers: Array.from({ length: 129 }, (_, n) => [`h${n}`, ""]) })],
    ["limit", () => queue.send({ topic: "t", body: new Uint8Array((4 << 20) + 1) })],
    ["limit", () => queue.sendMany(Array.from({ length: 1_001 }, () => ({ topic: "t" })))],
    ["unknown-topic", () => queue.send({ topic: "other" })],
    ["unknown-topic", () => timer.set("a", after(1), { topic: "other" })],
    ["unknown-topic", () => transaction.prepare("a", { topic: "other" })],
    ["invalid", () => queue.recall("not an id")],
    ["limit", () => { for (;;) state.put("a", new Uint8Array(1 << 20)); }],
  ];
  for (const [kind, call] of cases) {
    const it = host(call, { topics: ["t"] });
    await assert.rejects(it.deliver({ topic: "t", key: "k" }), { name: "HostError", kind }, String(call));
  }
  const recall = host(() => queue.recall("0".repeat(32)));
  await assert.rejects(recall.deliver({ topic: "t" }), { kind: "no-key" });
  await assert.rejects(recall.deliver({ topic: "t", key: "" }), { kind: "invalid" });
});

test("a delayed message is recalled under the key that sent it, if the handler succeeds", async () => {
  let id;
  const recalled = [];
  const it = host(({ topic }) => {
    if (topic === "send") {
      id = queue.send({ topic: "late", when: after(5) });
      return;
    }
    recalled.push(queue.recall(id));
    if (topic === "fail") {
      throw new Retry("no");
    }
  });
  await it.deliver({ topic: "send", key: "k" });
  await it.deliver({ topic: "recall", key: "other" });
  await assert.rejects(it.deliver({ topic: "fail", key: "k" }), Retry);
  assert.equal(it.sent.length, 1);
  await it.deliver({ topic: "recall", key: "k" });
  await it.deliver({ topic: "recall", key: "k" });
  assert.deepEqual([recalled, it.sent.length], [[false, true, true, false], 0]);
});

test("names are scanned in the byte order of UTF-8", async () => {
  const names = ["\u{1f600}", "\ufb00", "a", "ab", "\u00e9"];
  let scanned;
  const it = host(() => {
    names.forEach((name) => state.put(name, "v"));
    scanned = Array.from(state.scan(), ([name]) => name);
  });
  await it.deliver({ topic: "t", key: "k" });
  assert.deepEqual(scanned, ["a", "ab", "\u00e9", "\ufb00", "\u{1f600}"]);
});

test("a scan's page has 1 MiB of values at most, but one at least", async () => {
  let sizes;
  const it = host(() => {
    state.put("a", new Uint8Array(1 << 20));
    state.put("b", new Uint8Array(1));
    sizes = Array.from(state.scan(), ([, value]) => value.length);
  });
  await it.deliver({ topic: "t", key: "k" });
  assert.deepEqual(sizes, [1 << 20, 1]);
});

test("a setting is what the routes say, and nothing that objects have besides", async () => {
  let settings;
  const it = host(() => (settings = [config.get("toString"), config.get("n")]), { config: { n: 1 } });
  await it.deliver({ topic: "t" });
  assert.deepEqual(settings, [undefined, "1"]);
});

test("a timer whose handler fails stays pending, and one that sets itself to now is found", async () => {
  const set = () => timer.set("a", at(0), { topic: "again" });
  const plugin = { handle: set };
  const it = new Host(plugin);
  await it.deliver({ topic: "t", key: "k" });
  plugin.handle = () => {
    throw new Retry("no");
  };
  await assert.rejects(it.advance(5), Retry);
  assert.deepEqual([...it.timers("k").keys()], ["a"]);
  plugin.handle = set;
  await assert.rejects(it.advance(5), /does one set itself to now\?/);
});

test("a line of the log is cut at 8 KiB, between characters", async () => {
  const it = host(() => log.info(`a${"é".repeat(5_000)}`));
  await it.deliver({ topic: "t" });
  assert.equal(it.logged[0].message, `a${"é".repeat(4_095)}`);
});
