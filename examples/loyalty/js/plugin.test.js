import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as plugin from "./plugin.js";
import { Host } from "./wasmill/testing.js";

const config = { silver: 500, gold: 2_000, quiet: 60_000 };
let host;

beforeEach(() => {
  host = new Host(plugin, { config });
});

function pay(order_id, amount) {
  return host.deliver({ topic: "order.paid", key: "ann", json: { order_id, amount } });
}

test("a tier is told of when it changes, and only then", async () => {
  assert.deepEqual(await pay("o-1", 400), []);
  const [tier] = await pay("o-2", 100);
  assert.deepEqual(tier.json(), { user: "ann", from: "bronze", to: "silver", spent: 500 });
  assert.deepEqual(await pay("o-3", 1), []);
  assert.deepEqual(host.stateJson("ann", "account"), { spent: 501, orders: 3, tier: "silver" });
});

test("an order counts once", async () => {
  await pay("o-1", 400);
  assert.deepEqual(await pay("o-1", 400), []);
  assert.equal(host.stateJson("ann", "account").spent, 400);
});

test("a user who stays away begins anew", async () => {
  await pay("o-1", 2_000);
  await host.advance(config.quiet);
  assert.deepEqual(host.sent.at(-1).json(), { user: "ann", from: "gold", to: "bronze", spent: 0 });
  assert.equal(host.state("ann").size, 0);
});

test("what cannot be counted is rejected, by the name of the field", async () => {
  const order = (json) => host.deliver({ topic: "order.paid", key: "ann", json });
  for (const amount of [-1, 0, 1.5, 2 ** 53, "1", undefined]) {
    await assert.rejects(order({ order_id: "o-1", amount }), { name: "Reject", message: /^amount/ });
  }
  for (const order_id of [undefined, "", 1]) {
    await assert.rejects(order({ order_id, amount: 1 }), { name: "Reject", message: /^order_id/ });
  }
  await assert.rejects(host.deliver({ topic: "order.paid", body: "{}" }), { name: "Reject", message: /key/ });
  await assert.rejects(host.deliver({ topic: "other", key: "ann" }), { name: "Reject", message: /`other`/ });
});

test("no cent is lost: what cannot be counted any more is rejected", async () => {
  await pay("o-1", Number.MAX_SAFE_INTEGER);
  await assert.rejects(pay("o-2", 1), { name: "Reject", message: /^amount/ });
  assert.equal(host.stateJson("ann", "account").spent, Number.MAX_SAFE_INTEGER);
});

test("a setting that is none is told to the operator, and the order is tried again", async () => {
  for (const quiet of [0, -1, "1.5"]) {
    host = new Host(plugin, { config: { quiet } });
    await assert.rejects(pay("o-1", 1), { name: "Retry", message: /quiet/ });
  }
});
