"""The host in memory keeps to the contract. Run in sdk/python by `python3 -m unittest`."""

import json
import unittest
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

from wasmill import (
    Accepted,
    Half,
    HostError,
    Message,
    Outgoing,
    Problem,
    Reject,
    Request,
    Response,
    Retry,
    Unknown,
    after,
    at,
    config,
    dedup,
    level,
    log,
    queue,
    state,
    timer,
    transaction,
)
from wasmill.testing import Host, request

LONG = "x" * 257


def host(handle: Callable[[Message], object], **options) -> Host:
    """A host whose plugin does `handle`."""
    return Host(SimpleNamespace(handle=handle), **options)


class Handlers(unittest.TestCase):
    def test_what_a_failed_handler_did_is_not_kept(self) -> None:
        def handle(message: Message) -> None:
            state.put_json("n", message.json())
            queue.send("t")
            timer.set("x", after(1), "t")
            self.assertTrue(dedup.claim("id", 1_000))
            if message.json() == 1:
                raise Retry("no")

        it = host(handle)
        with self.assertRaises(Retry):
            it.deliver("t", key="k", json=1)
        self.assertEqual((it.state("k"), it.timers("k"), it.sent), ({}, {}, []))
        it.deliver("t", key="k", json=2)
        self.assertEqual((it.state_json("k", "n"), len(it.timers("k")), len(it.sent)), (2, 1, 1))

    def test_state_timers_and_claims_need_a_key(self) -> None:
        for call in [lambda _: state.get("a"), lambda _: timer.cancel("a"), lambda _: dedup.claim("a", 1)]:
            with self.assertRaises(HostError) as raised:
                host(call).deliver("t")
            self.assertEqual(raised.exception.kind, "no-key")

    def test_state_is_read_page_by_page_in_the_order_of_names(self) -> None:
        def handle(_: Message) -> None:
            for n in range(2_100):
                state.put(f"n{n:04}", "v")
            state.put("other", "v")
            names = [name for name, _ in state.scan("n")]
            self.assertEqual((len(names), names[0], names[-1]), (2_100, "n0000", "n2099"))

        host(handle).deliver("t", key="k")

    def test_timers_are_delivered_in_order_and_may_be_set_moved_and_cancelled(self) -> None:
        seen = []

        def handle(message: Message) -> None:
            seen.append(message.topic)
            if message.topic == "begin":
                timer.set("b", after(20), "b")
                timer.set("a", after(10), "a")
                timer.set("c", after(5), "c")
                self.assertTrue(timer.cancel("c"))
                self.assertTrue(timer.reschedule("b", at(it.now + 5)))
                self.assertFalse(timer.reschedule("c", level(1)))

        it = host(handle)
        it.deliver("begin", key="k")
        it.advance(9)
        self.assertEqual(seen, ["begin", "b"])
        it.advance(timedelta(milliseconds=1))
        self.assertEqual(seen, ["begin", "b", "a"])

    def test_a_half_message_is_delivered_once_it_is_committed(self) -> None:
        def handle(message: Message) -> None:
            if message.topic == "begin":
                self.assertEqual(transaction.prepare("pay", Outgoing("paid", json=1)), "prepared")
            else:
                self.assertEqual(transaction.commit("pay"), "committed")
                self.assertEqual(transaction.rollback("pay"), "committed")

        it = host(handle)
        self.assertEqual(it.deliver("begin", key="k"), [])
        [paid] = it.deliver("end", key="k")
        self.assertEqual((paid.topic, paid.json()), ("paid", 1))

    def test_a_timer_whose_handler_fails_stays_pending_and_one_set_to_now_is_found(self) -> None:
        def again(_: Message) -> None:
            timer.set("a", at(0), "again")

        def fail(_: Message) -> None:
            raise Retry("no")

        plugin = SimpleNamespace(handle=again)
        it = Host(plugin)
        it.deliver("t", key="k")
        plugin.handle = fail
        with self.assertRaises(Retry):
            it.advance(5)
        self.assertEqual(list(it.timers("k")), ["a"])
        plugin.handle = again
        with self.assertRaisesRegex(RuntimeError, "does one set itself to now"):
            it.advance(5)

    def test_a_line_of_the_log_is_cut_at_8_kib_between_characters(self) -> None:
        it = host(lambda _: log.info("a" + "é" * 5_000))
        it.deliver("t")
        self.assertEqual(it.logged, [("info", "a" + "é" * 4_095)])


class Halves(unittest.TestCase):
    def test_one_outlives_the_handler_that_prepared_it(self) -> None:
        seen: list[str] = []

        def handle(message: Message) -> None:
            seen.append(transaction.prepare("pay", Outgoing("paid", json=message.topic)))
            if message.topic == "first":
                raise Retry("killed")
            transaction.commit("pay")

        it = host(handle)
        with self.assertRaises(Retry):
            it.deliver("first", key="k")
        self.assertEqual(it.half("k", "pay"), "prepared")
        [paid] = it.deliver("again", key="k")
        self.assertEqual((seen, paid.json(), it.half("k", "pay")), (["prepared", "prepared"], "first", None))

    def test_what_is_no_decision_is_unknown_in_words_that_utf_8_can_hold(self) -> None:
        for verdict, reason in [(Unknown("a\ud800"), "a?"), (None, "`check` returned None"), ("undo", "`check` returned 'undo'")]:
            plugin = SimpleNamespace(
                handle=lambda _: transaction.prepare("pay", Outgoing("paid")), check=lambda _, it=verdict: it
            )
            it = Host(plugin)
            it.deliver("t", key="k")
            self.assertEqual(it.check("k", "pay"), Unknown(reason))
        self.assertEqual(str(Problem(400, "a", "b\ud800")), "b?")

    def test_its_name_is_free_again_once_it_is_settled(self) -> None:
        def handle(message: Message) -> None:
            self.assertEqual(transaction.prepare("pay", Outgoing(message.topic)), "prepared")
            self.assertEqual(transaction.commit("pay"), "committed")
            with self.assertRaisesRegex(HostError, "settled in this call"):
                transaction.prepare("pay", Outgoing(message.topic))

        it = host(handle)
        it.deliver("a", key="k")
        it.deliver("b", key="k")
        self.assertEqual([sent.topic for sent in it.sent], ["a", "b"])

    def test_a_checker_decides_about_one_and_the_handler_is_told_once(self) -> None:
        told: list[str] = []

        def handle(_: Message) -> None:
            told.append(transaction.prepare("pay", Outgoing("paid")))

        for decision, sent in [("commit", 1), ("rollback", 0)]:

            def check(half: Half) -> object:
                return Unknown("not yet") if half.checks == 0 else decision

            it = Host(SimpleNamespace(handle=handle, check=check))
            it.deliver("t", key="k")
            self.assertEqual(it.check("k", "pay"), Unknown("not yet"))
            self.assertEqual(it.check("k", "pay"), decision)
            self.assertIsNone(it.check("k", "pay"))
            self.assertEqual(len(it.sent), sent)
            it.deliver("t", key="k")
            self.assertIsNone(it.half("k", "pay"))
        self.assertEqual(told, ["prepared", "committed", "prepared", "rolled-back"])


class Roles(unittest.TestCase):
    def test_each_is_called_and_may_do_what_the_contract_lets_it(self) -> None:
        def admit(request: Request) -> Accepted:
            return Accepted(key=request.params["user"], json=request.json(), answer={"ok": True})

        def answer(key: str, request: Request) -> Response:
            return Response(status=203, json=[key, request.query_value("q"), state.get_json("n")])

        def handle(_: Message) -> None:
            state.put_json("n", 7)

        def migrate(version: int) -> None:
            state.put_json("n", state.get_json("n") + version)

        it = Host(SimpleNamespace(handle=handle, admit=admit, answer=answer, migrate=migrate))
        it.deliver("t", key="k")
        accepted = it.admit(request("POST", params={"user": "ann"}, json=1))
        self.assertEqual((accepted.key, accepted.body, accepted.answer), ("ann", b"1", b'{"ok":true}'))
        with self.assertRaisesRegex(Problem, "^body: not JSON: "):
            it.admit(request("POST", params={"user": "ann"}, body="{"))
        response = it.answer("k", request(query={"q": "why"}))
        self.assertEqual((response.status, json.loads(response.body)), (203, ["k", "why", 7]))
        it.migrate("k", 2)
        self.assertEqual(it.state_json("k", "n"), 9)

    def test_what_a_role_may_not_do_is_refused(self) -> None:
        def send(*_: object) -> None:
            queue.send("t")

        it = Host(SimpleNamespace(admit=lambda _: state.get("n"), answer=send, migrate=send))
        with self.assertRaisesRegex(HostError, "`state.get` is refused in `gate.admit`"):
            it.admit(request())
        with self.assertRaisesRegex(HostError, "`queue.send` is refused in `query.answer`"):
            it.answer("k", request())
        with self.assertRaisesRegex(HostError, "`queue.send` is refused in `migration.migrate`"):
            it.migrate("k", 1)
        with self.assertRaisesRegex(HostError, "outside of a call"):
            state.get("n")

    def test_a_migration_that_fails_leaves_the_state_as_it_was(self) -> None:
        def migrate(_: int) -> None:
            state.delete("n")
            raise Reject("no")

        it = Host(SimpleNamespace(migrate=migrate))
        it.put_state("k", "n", json=5)
        with self.assertRaises(Reject):
            it.migrate("k", 1)
        self.assertEqual(it.state_json("k", "n"), 5)


class Bounds(unittest.TestCase):
    def test_what_the_contract_refuses_is_refused(self) -> None:
        def flood(_: Message) -> None:
            while True:
                state.put("a", bytes(1 << 20))

        cases: list[tuple[str, Callable[[Message], object]]] = [
            ("invalid", lambda _: state.get("")),
            ("invalid", lambda _: state.put("a\0b", "")),
            ("limit", lambda _: state.get(LONG)),
            ("limit", lambda _: state.put("a", bytes((1 << 20) + 1))),
            ("invalid", lambda _: timer.cancel("a\0")),
            ("invalid", lambda _: dedup.claim("", 1)),
            ("invalid", lambda _: transaction.commit("never")),
            ("invalid", lambda _: queue.send("t", key="")),
            ("limit", lambda _: queue.send("t", key=LONG)),
            ("limit", lambda _: queue.send("t", tag="x" * 128)),
            ("limit", lambda _: queue.send("t", headers={"a": "x" * 20_000})),
            ("limit", lambda _: queue.send("t", headers={f"h{n}": "" for n in range(129)})),
            ("limit", lambda _: queue.send("t", body=bytes((4 << 20) + 1))),
            ("limit", lambda _: queue.send_many(Outgoing("t") for _ in range(1_001))),
            ("unknown-topic", lambda _: queue.send("other")),
            ("unknown-topic", lambda _: timer.set("a", after(1), "other")),
            ("unknown-topic", lambda _: transaction.prepare("a", Outgoing("other"))),
            ("invalid", lambda _: queue.recall("not an id")),
            ("limit", flood),
        ]
        for nth, (kind, call) in enumerate(cases):
            with self.subTest(nth=nth), self.assertRaises(HostError) as raised:
                host(call, topics=["t"]).deliver("t", key="k")
            self.assertEqual(raised.exception.kind, kind, nth)
        for key, kind in [(None, "no-key"), ("", "invalid")]:
            with self.assertRaises(HostError) as raised:
                host(lambda _: queue.recall("0" * 32)).deliver("t", key=key)
            self.assertEqual(raised.exception.kind, kind)

    def test_a_delayed_message_is_recalled_under_its_senders_key_if_the_handler_succeeds(self) -> None:
        ids: list[str] = []
        recalled: list[bool] = []

        def handle(message: Message) -> None:
            if message.topic == "send":
                ids.append(queue.send("late", when=after(5)))
                return
            recalled.append(queue.recall(ids[0]))
            if message.topic == "fail":
                raise Retry("no")

        it = host(handle)
        it.deliver("send", key="k")
        it.deliver("recall", key="other")
        with self.assertRaises(Retry):
            it.deliver("fail", key="k")
        self.assertEqual(len(it.sent), 1)
        it.deliver("recall", key="k")
        it.deliver("recall", key="k")
        self.assertEqual((recalled, it.sent), ([False, True, True, False], []))

    def test_a_scan_has_a_page_of_1_mib_of_values_at_most_but_one_at_least(self) -> None:
        sizes: list[int] = []

        def handle(_: Message) -> None:
            state.put("a", bytes(1 << 20))
            state.put("b", b"1")
            sizes.extend(len(value) for _, value in state.scan())

        host(handle).deliver("t", key="k")
        self.assertEqual(sizes, [1 << 20, 1])

    def test_a_setting_is_what_the_routes_say(self) -> None:
        seen: list[str | None] = []
        host(lambda _: seen.extend([config.get("n"), config.get("keys")]), config={"n": 1}).deliver("t")
        self.assertEqual(seen, ["1", None])


if __name__ == "__main__":
    unittest.main()
