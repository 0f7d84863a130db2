"""Counts what each user spends, and tells when their tier changes."""

from datetime import timedelta
from typing import Literal, TypedDict

from wasmill import Message, Reject, after, config, dedup, log, queue, state, timer

YEAR = timedelta(days=365) // timedelta(milliseconds=1)
CENTS_MAX = 2**53 - 1
"""What any reader of JSON can hold."""

Tier = Literal["bronze", "silver", "gold"]


class Account(TypedDict):
    spent: int
    orders: int
    tier: Tier


def handle(message: Message) -> None:
    match message.topic:
        case "order.paid":
            order_paid(message.require_key(), *order_of(message))
        case "loyalty.quiet":
            quiet(message.require_key())
        case topic:
            raise Reject(f"topic `{topic}` is none of this plugin's")


def order_paid(user: str, order_id: str, amount: int) -> None:
    if not dedup.claim(order_id, timedelta(days=1)):
        return
    before: Account = state.get_json("account") or Account(spent=0, orders=0, tier="bronze")
    spent = before["spent"] + amount
    if spent > CENTS_MAX:
        raise Reject(f"amount: more than {CENTS_MAX} cents cannot be counted")
    account: Account = {"spent": spent, "orders": before["orders"] + 1, "tier": tier_of(spent)}
    state.put_json("account", account)
    if account["tier"] != before["tier"]:
        tier_changed(user, before["tier"], account["tier"], spent)
    timer.set("quiet", after(config.get_int("quiet", YEAR, minimum=1)), "loyalty.quiet")


def quiet(user: str) -> None:
    """A year without an order: the user begins anew."""
    account: Account | None = state.get_json("account")
    if account and account["tier"] != "bronze":
        tier_changed(user, account["tier"], "bronze", 0)
    state.delete("account")


def tier_of(spent: int) -> Tier:
    if spent >= config.get_int("gold", 200_000):
        return "gold"
    return "silver" if spent >= config.get_int("silver", 50_000) else "bronze"


def tier_changed(user: str, old: Tier, new: Tier, spent: int) -> None:
    queue.send("loyalty.tier", key=user, json={"user": user, "from": old, "to": new, "spent": spent})
    log.info(f"{user} goes from {old} to {new}")


def order_of(message: Message) -> tuple[str, int]:
    order = message.json()
    order_id, amount = (order.get("order_id"), order.get("amount")) if isinstance(order, dict) else (None, None)
    if not isinstance(order_id, str) or not order_id:
        raise Reject("order_id: a text is needed")
    if type(amount) is not int or not 1 <= amount <= CENTS_MAX:
        raise Reject(f"amount: a whole number of cents from 1 to {CENTS_MAX} is needed")
    return order_id, amount
