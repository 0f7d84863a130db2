import unittest

import plugin
from wasmill import Reject, Retry
from wasmill.testing import Host, Sent

CONFIG = {"silver": 500, "gold": 2_000, "quiet": 60_000}


class LoyaltyTest(unittest.TestCase):
    def setUp(self) -> None:
        self.host = Host(plugin, config=CONFIG)

    def pay(self, order_id: str, amount: int) -> list[Sent]:
        return self.host.deliver("order.paid", key="ann", json={"order_id": order_id, "amount": amount})

    def test_a_tier_is_told_of_when_it_changes_and_only_then(self) -> None:
        self.assertEqual(self.pay("o-1", 400), [])
        [tier] = self.pay("o-2", 100)
        self.assertEqual(tier.json(), {"user": "ann", "from": "bronze", "to": "silver", "spent": 500})
        self.assertEqual(self.pay("o-3", 1), [])
        self.assertEqual(self.host.state_json("ann", "account"), {"spent": 501, "orders": 3, "tier": "silver"})

    def test_an_order_counts_once(self) -> None:
        self.pay("o-1", 400)
        self.assertEqual(self.pay("o-1", 400), [])
        self.assertEqual(self.host.state_json("ann", "account")["spent"], 400)

    def test_a_user_who_stays_away_begins_anew(self) -> None:
        self.pay("o-1", 2_000)
        self.host.advance(CONFIG["quiet"])
        self.assertEqual(self.host.sent[-1].json(), {"user": "ann", "from": "gold", "to": "bronze", "spent": 0})
        self.assertEqual(self.host.state("ann"), {})

    def test_what_cannot_be_counted_is_rejected_by_the_name_of_the_field(self) -> None:
        amounts = [-1, 0, 1.5, plugin.CENTS_MAX + 1, "1", True, None]
        orders: list[tuple[object, str]] = [({"order_id": "o-1", "amount": amount}, "amount") for amount in amounts]
        orders += [({"order_id": id, "amount": 1}, "order_id") for id in ["", 1, None]]
        for order, field in [*orders, (None, "order_id")]:
            with self.subTest(order=order), self.assertRaisesRegex(Reject, f"^{field}"):
                self.host.deliver("order.paid", key="ann", json=order)
        with self.assertRaisesRegex(Reject, "key"):
            self.host.deliver("order.paid", body="{}")
        with self.assertRaisesRegex(Reject, "`other`"):
            self.host.deliver("other", key="ann")

    def test_no_cent_is_lost_and_what_cannot_be_counted_any_more_is_rejected(self) -> None:
        self.pay("o-1", plugin.CENTS_MAX)
        with self.assertRaisesRegex(Reject, "^amount"):
            self.pay("o-2", 1)
        self.assertEqual(self.host.state_json("ann", "account")["spent"], plugin.CENTS_MAX)

    def test_a_setting_that_is_none_is_told_to_the_operator_and_the_order_is_tried_again(self) -> None:
        for quiet in [0, -1, "1.5"]:
            self.host = Host(plugin, config={"quiet": quiet})
            with self.assertRaisesRegex(Retry, "quiet"):
                self.pay("o-1", 1)


if __name__ == "__main__":
    unittest.main()
