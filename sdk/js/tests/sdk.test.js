// Run by `node --test sdk/js/tests`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { HostError, Problem, Reject, Retry, RetryAfter, after, at, config, dedup, level, log, queue, state, timer, transaction } from "../index.js";
import * as roles from "../roles.js";
import { Host } from "../testing.js";

/** A host whose plugin does `handle`. */
function host(handle, options) {
  return new Host({ handle }, options);
}

/** What a component's handler throws for a handler that throws `error`. */
async function failureOf(error) {
  const throwing = () => {
    throw error;
  };
  const raw = { headers: [], body: new Uint8Array(), producedAt: 1n };
  return roles.handler(throwing).handle(raw).then(assert.fail, ({ payload }) => payload);
}

test("what a handler throws becomes the contract's failure", async () => {
  assert.deepEqual(await failureOf(new Reject("no")), { tag: "reject", val: "no" });
  assert.deepEqual(await failureOf(new Retry("later")), { tag: "retry", val: "later" });
  const delayed = { tag: "retry-after", val: { delay: 5n, cause: "busy" } };
  assert.deepEqual(await failureOf(new RetryAfter(5, "busy")), delayed);
  const over = { tag: "limit", val: { what: "sends per call", limit: 1n, actual: 2n } };
  const words = "sends per call: 2 is over the limit of 1";
  assert.deepEqual(await failureOf(new HostError(over)), { tag: "retry", val: words });
  const defect = await failureOf(new TypeError("x is no function"));
  assert.match(defect.val, /^TypeError: x is no function \(.*sdk\.test\.js/);
  assert.deepEqual(await failureOf("text"), { tag: "retry", val: "text" });
  assert.deepEqual(await failureOf(undefined), { tag: "retry", val: "undefined" });
});

test("a handler that is asynchronous fails as others do", async () => {
  const raw = { headers: [], body: new Uint8Array(), producedAt: 1n };
  const handle = async () => Promise.reject(new Reject("no"));
  await assert.rejects(roles.handler(handle).handle(raw), ({ payload }) => payload.tag === "reject");
  // Bindings would take an object with a tag for a result.
  assert.equal(await roles.handler(() => ({ tag: "err" })).handle(raw), undefined);
});

test("a message reaches the handler in the types of JavaScript", async () => {
  const headers = { region: "eu" };
  let seen;
  const it = host((message) => (seen = message), { now: 1_700_000_000_000 });
  await it.deliver({ topic: "t", key: "k", tag: "g", headers, json: [1, "ü"], attempt: 3 });
  assert.equal(seen.producedAt, 1_700_000_000_000);
  assert.equal(seen.headers.get("region"), "eu");
  assert.deepEqual(seen.json(), [1, "ü"]);
  assert.equal(seen.text(), '[1,"ü"]');
  assert.deepEqual([seen.key, seen.tag, seen.attempt], ["k", "g", 3]);
});

test("a body that is no text or no JSON is rejected", async () => {
  const bodies = [Uint8Array.of(0xff), "", "{", "\ufeff1", '"\\ud800"', '{"\\uDC00": 1}', "NaN", "01"];
  for (const body of bodies) {
    const delivered = host((message) => message.json()).deliver({ topic: "t", body });
    await assert.rejects(delivered, { name: "Reject", message: /^body: not JSON: / });
  }
  const delivered = host((message) => message.text()).deliver({ topic: "t", body: Uint8Array.of(0xc0, 0x80) });
  await assert.rejects(delivered, { name: "Reject", message: /^body: not UTF-8: / });
  const pair = host((message) => assert.equal(message.json(), "\u{1f600}"));
  await pair.deliver({ topic: "t", body: '"\\ud83d\\ude00"' });
});

test("half of a surrogate pair never leaves, as it would arrive as another character", async () => {
  const bad = "a\ud800";
  const calls = [
    () => queue.send({ topic: bad }),
    () => queue.send({ topic: "t", key: bad }),
    () => queue.send({ topic: "t", headers: { a: bad } }),
    () => queue.send({ topic: "t", body: bad }),
    () => state.get(bad),
    () => state.put("a", bad),
    () => dedup.claim(bad, 1),
    () => timer.cancel(bad),
  ];
  for (const call of calls) {
    await assert.rejects(host(call).deliver({ topic: "t", key: "k" }), /half of a surrogate pair/);
  }
  const it = host(() => {
    queue.send({ topic: "t", json: bad });
    log.info(bad);
  });
  const [sent] = await it.deliver({ topic: "t" });
  assert.equal(new TextDecoder().decode(sent.body), '"a\\ud800"');
  assert.equal(it.logged[0].message, "a\ufffd");
});

test("what is no text, no bytes and no number of milliseconds is refused", async () => {
  const calls = [
    () => queue.send({}),
    () => queue.send({ topic: "t", body: 1 }),
    () => queue.send({ topic: "t", body: null, json: () => 1 }),
    () => state.put("a", undefined),
    () => state.putJson("a", undefined),
    () => state.putJson("a", 1n),
    () => dedup.claim(7, 1),
  ];
  for (const call of calls) {
    await assert.rejects(host(call).deliver({ topic: "t", key: "k" }), TypeError);
  }
  const times = [-1, 1.5, NaN, Infinity, "1", 2 ** 53, -1n, 2n ** 64n, new Date(NaN)];
  for (const time of times) {
    assert.throws(() => at(time), RangeError);
  }
  assert.throws(() => level(19), RangeError);
  assert.deepEqual(after(2n ** 63n).val, 2n ** 63n);
  assert.deepEqual(at(new Date(5)).val, 5n);
});

test("bytes are sent as they are, of whatever kind they are", async () => {
  const all = Uint8Array.of(9, 1, 2, 9);
  const bodies = [all.subarray(1, 3), new DataView(all.buffer, 1, 2), Uint8Array.of(1, 2).buffer];
  const sent = await host(() => queue.sendMany(bodies.map((body) => ({ topic: "t", body })))).deliver({ topic: "t" });
  assert.deepEqual(sent.map(({ body }) => [...body]), [[1, 2], [1, 2], [1, 2]]);
});

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

test("whole numbers of the routes are read as such, and what is none is told", async () => {
  const read = (routes) => {
    let value;
    return host(() => (value = config.getInteger("n", 7)), { config: routes }).deliver({ topic: "t" }).then(() => value);
  };
  assert.deepEqual([await read({}), await read({ n: "-12" }), await read({ n: 0 })], [7, -12, 0]);
  for (const n of ["", "1.5", "12cents", "1e3", "9007199254740993"]) {
    await assert.rejects(read({ n }), { name: "Retry", message: /^config n: / });
  }
});

test("gates, queries and checkers answer in the types of the contract", async () => {
  const raw = { method: "POST", path: "/", params: [["a", "1"]], query: [["q", "x y"]], headers: [], body: new TextEncoder().encode("5") };
  const gate = roles.gate((request) => {
    if (request.query.get("q") !== "x y" || request.params.get("a") !== "1") {
      throw new Error("other");
    }
    if (request.json() === 5) {
      return { key: "k", dedupId: "d", json: { n: 5 }, answer: { id: 1 } };
    }
    throw new Problem(400, "malformed", "n: five is needed", "n");
  });
  const accepted = await gate.admit(raw);
  assert.deepEqual([accepted.key, accepted.dedupId, accepted.headers], ["k", "d", []]);
  assert.equal(new TextDecoder().decode(accepted.answer), '{"id":1}');
  const refused = gate.admit({ ...raw, body: new TextEncoder().encode("6") });
  const problem = { status: 400, title: "malformed", detail: "n: five is needed", field: "n" };
  await assert.rejects(refused, ({ payload }) => assert.deepEqual(payload, problem) ?? true);

  const answer = await roles.query((key) => ({ json: key })).answer("k", raw);
  assert.deepEqual([answer.status, answer.settled, new TextDecoder().decode(answer.body)], [200, false, '"k"']);

  const half = { headers: [], body: new Uint8Array(), preparedAt: 5n };
  const check = (decide) => roles.checker(decide).check(half);
  assert.deepEqual(await check(() => "commit"), { tag: "commit" });
  assert.deepEqual(await check(({ preparedAt }) => ({ unknown: `since ${preparedAt}` })), { tag: "unknown", val: "since 5" });
  assert.equal((await check(() => assert.fail("no"))).tag, "unknown");
});
