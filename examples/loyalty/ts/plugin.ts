// Counts what each user spends, and tells when their tier changes.

import { type Message, Reject, after, config, dedup, log, queue, state, timer } from "./wasmill/index.js";

type Tier = "bronze" | "silver" | "gold";
export type Account = { spent: number; orders: number; tier: Tier };
type Order = { order_id: string; amount: number };
type Change = { user: string; from: Tier; to: Tier; spent: number };

const DAY = 24 * 60 * 60 * 1000;

export function handle(message: Message): void {
  switch (message.topic) {
    case "order.paid":
      return orderPaid(message.requireKey(), orderOf(message));
    case "loyalty.quiet":
      return quiet(message.requireKey());
    default:
      throw new Reject(`topic \`${message.topic}\` is none of this plugin's`);
  }
}

function orderPaid(user: string, { order_id, amount }: Order): void {
  if (!dedup.claim(order_id, DAY)) {
    return;
  }
  const before = state.getJson<Account>("account") ?? { spent: 0, orders: 0, tier: "bronze" };
  const spent = before.spent + amount;
  if (!Number.isSafeInteger(spent)) {
    throw new Reject(`amount: more than ${Number.MAX_SAFE_INTEGER} cents cannot be counted`);
  }
  const account: Account = { spent, orders: before.orders + 1, tier: tierOf(spent) };
  state.putJson("account", account);
  if (account.tier !== before.tier) {
    tierChanged({ user, from: before.tier, to: account.tier, spent });
  }
  timer.set("quiet", after(config.getInteger("quiet", 365 * DAY, 1)), { topic: "loyalty.quiet" });
}

// A year without an order: the user begins anew.
function quiet(user: string): void {
  const account = state.getJson<Account>("account");
  if (account && account.tier !== "bronze") {
    tierChanged({ user, from: account.tier, to: "bronze", spent: 0 });
  }
  state.delete("account");
}

function tierOf(spent: number): Tier {
  if (spent >= config.getInteger("gold", 200_000)) {
    return "gold";
  }
  return spent >= config.getInteger("silver", 50_000) ? "silver" : "bronze";
}

function tierChanged(change: Change): void {
  queue.send({ topic: "loyalty.tier", key: change.user, json: change });
  log.info(`${change.user} goes from ${change.from} to ${change.to}`);
}

function orderOf(message: Message): Order {
  const order = message.json<Partial<Order> | null>();
  const { order_id, amount } = order ?? {};
  if (typeof order_id !== "string" || order_id === "") {
    throw new Reject("order_id: a text is needed");
  }
  if (typeof amount !== "number" || !Number.isSafeInteger(amount) || amount <= 0) {
    throw new Reject(`amount: a whole number of cents from 1 to ${Number.MAX_SAFE_INTEGER} is needed`);
  }
  return { order_id, amount };
}
