// Run in sdk/js by `node --test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { HostError, Problem, Reject, Retry, RetryAfter, after, at, config, dedup, level, log, queue, state, timer } from "./wasmill/index.js";
import * as roles from "./wasmill/roles.js";
import { Host } from "./wasmill/testing.js";

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
  assert.deepEqual(await failureOf(new HostError("unavailable", "later")), { tag: "retry", val: "later" });
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
  const bodies = [Uint8Array.of(0xff), "", "{", "\ufeff1", '"\\ud800"', "1e999", "[-1E+400]", "9".repeat(400), '{"\\uDC00": 1}', "NaN", "01"];
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
    () => queue.send({ topic: "t", json: undefined }),
    () => timer.set("a", after(1), { topic: "t", json: undefined }),
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

test("whole numbers of the routes are read as such, and what is none is told", async () => {
  const read = (routes) => {
    let value;
    return host(() => (value = config.getInteger("n", 7)), { config: routes }).deliver({ topic: "t" }).then(() => value);
  };
  assert.deepEqual([await read({}), await read({ n: "-12" }), await read({ n: 0 })], [7, -12, 0]);
  const atLeastOne = host(() => config.getInteger("n", 7, 1), { config: { n: 0 } }).deliver({ topic: "t" });
  await assert.rejects(atLeastOne, { name: "Retry", message: /^config n: 0 is below 1/ });
  for (const n of ["", "1.5", "12cents", "1e3", "9007199254740993"]) {
    await assert.rejects(read({ n }), { name: "Retry", message: /^config n: / });
  }
});

const raw = { method: "POST", path: "/", params: [["a", "1"]], query: [["q", "x y"]], headers: [], body: encode("5") };

function encode(body) {
  return new TextEncoder().encode(body);
}

function decoded(body) {
  return JSON.parse(new TextDecoder().decode(body));
}

test("gates, queries and checkers answer in the types of the contract", async () => {
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
  assert.deepEqual(decoded(accepted.answer), { id: 1 });
  const refused = gate.admit({ ...raw, body: encode("6") });
  const problem = { status: 400, title: "malformed", detail: "n: five is needed", field: "n" };
  await assert.rejects(refused, ({ payload }) => assert.deepEqual(payload, problem) ?? true);

  const answer = await roles.query((key) => ({ json: key })).answer("k", raw);
  assert.deepEqual([answer.status, answer.settled, decoded(answer.body)], [200, false, "k"]);

  const half = { headers: [], body: new Uint8Array(), preparedAt: 5n };
  const check = (decide) => roles.checker(decide).check(half);
  assert.deepEqual(await check(() => "commit"), { tag: "commit" });
  assert.deepEqual(await check(({ preparedAt }) => ({ unknown: `since ${preparedAt}` })), { tag: "unknown", val: "since 5" });
  assert.equal((await check(() => assert.fail("no"))).tag, "unknown");
});

test("a request that cannot be read is the client's fault, at gates and queries alike", async () => {
  const read = (request) => request.json();
  const malformed = { ...raw, body: encode("{") };
  const isProblem = ({ status, title, detail }) => {
    assert.deepEqual([status, title], [400, "invalid request"]);
    return /^body: not JSON: /.test(detail);
  };
  await assert.rejects(roles.gate(read).admit(malformed), ({ payload }) => isProblem(payload));
  const answer = await roles.query((key, request) => read(request)).answer("k", malformed);
  assert.deepEqual([answer.status, answer.headers], [400, [["content-type", "application/problem+json"]]]);
  assert.ok(isProblem(decoded(answer.body)));
});

test("what else a gate or a query throws is a fault of the plugin's", async () => {
  const defect = () => {
    throw new TypeError("no function");
  };
  await assert.rejects(roles.gate(defect).admit(raw), TypeError);
  await assert.rejects(roles.query(defect).answer("k", raw), TypeError);
});

test("a migration is told which version it begins with, and fails as handlers do", async () => {
  let begun;
  await roles.migration((from) => (begun = from)).migrate(3);
  assert.equal(begun, 3);
  const refused = roles.migration(() => Promise.reject(new Reject("no"))).migrate(1);
  await assert.rejects(refused, ({ payload }) => assert.deepEqual(payload, { tag: "reject", val: "no" }) ?? true);
});

test("the key that a handler needs is there, or the message is rejected", async () => {
  const keys = [];
  const it = host((message) => keys.push(message.requireKey()));
  await it.deliver({ topic: "t", key: "k" });
  assert.deepEqual(keys, ["k"]);
  await assert.rejects(it.deliver({ topic: "t" }), { name: "Reject", message: /`t` needs a key/ });
});
