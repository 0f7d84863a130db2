"""Run in sdk/python by `python3 -m unittest`."""

import json
import unittest
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

from wasmill import (
    HostError,
    Message,
    Outgoing,
    Reject,
    Retry,
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
from wasmill.errors import describe
from wasmill.testing import Host

NESTED = [b"[" * 200_000, b'{"a":[' * 64 + b"1" + b"]}" * 64, b"[" * 128 + b"]" * 128]
SHALLOW = ["[" * 127 + "]" * 127, "[" + ",".join(['{"a\\\\": "[[\\"{{"}'] * 200) + "]", '["' + "[" * 500 + '"]']


def host(handle: Callable[[Message], object], **options) -> Host:
    """A host whose plugin does `handle`."""
    return Host(SimpleNamespace(handle=handle), **options)


class Bodies(unittest.TestCase):
    def test_a_message_reaches_the_handler_in_the_types_of_python(self) -> None:
        seen: list[Message] = []
        it = host(seen.append, now=1_700_000_000_000)
        it.deliver("t", key="k", tag="g", headers={"region": "eu"}, json=[1, "ü"], attempt=3)
        [message] = seen
        self.assertEqual((message.produced_at, message.headers), (1_700_000_000_000, {"region": "eu"}))
        self.assertEqual((message.json(), message.text()), ([1, "ü"], '[1,"ü"]'))
        self.assertEqual((message.key, message.tag, message.attempt), ("k", "g", 3))

    def test_a_body_that_is_no_text_or_no_json_is_rejected(self) -> None:
        bodies = [b"\xff", b"", b"{", b"\xef\xbb\xbf1", '"\\ud800"', '{"\\uDC00": 1}', b"NaN", b"[-Infinity]", b"01"]
        bodies += ["1".encode("utf-16"), *NESTED, b"9" * 5_000]
        for body in bodies:
            with self.subTest(body=body[:20]), self.assertRaisesRegex(Reject, "^body: not JSON: "):
                host(lambda message: message.json()).deliver("t", body=body)
        with self.assertRaisesRegex(Reject, "^body: not UTF-8: "):
            host(lambda message: message.text()).deliver("t", body=b"\xc0\x80")
        host(lambda message: self.assertEqual(message.json(), "\U0001f600")).deliver("t", body='"\\ud83d\\ude00"')

    def test_what_is_nested_no_deeper_than_a_host_reads_is_taken(self) -> None:
        for document in SHALLOW:
            host(lambda message: self.assertEqual(message.json(), json.loads(message.text()))).deliver("t", body=document)

    def test_bytes_are_sent_as_they_are_of_whatever_kind_they_are(self) -> None:
        bodies = [b"\1\2", bytearray(b"\1\2"), memoryview(b"\0\1\2\0")[1:3]]
        sent = host(lambda _: queue.send_many(Outgoing("t", body=body) for body in bodies)).deliver("t")
        self.assertEqual([message.body for message in sent], [b"\1\2"] * 3)

    def test_half_of_a_surrogate_pair_never_leaves_as_nothing_could_hold_it(self) -> None:
        bad = "a\ud800"
        calls = [
            lambda _: queue.send(bad),
            lambda _: queue.send("t", key=bad),
            lambda _: queue.send("t", headers={"a": bad}),
            lambda _: queue.send("t", body=bad),
            lambda _: queue.send("t", json=bad),
            lambda _: state.get(bad),
            lambda _: state.put("a", bad),
            lambda _: dedup.claim(bad, 1),
            lambda _: timer.cancel(bad),
        ]
        for call in calls:
            with self.assertRaisesRegex(ValueError, "surrogate"):
                host(call).deliver("t", key="k")

    def test_what_is_no_text_no_bytes_and_no_json_is_refused(self) -> None:
        calls = [
            lambda _: queue.send(None),
            lambda _: queue.send("t", body=1),
            lambda _: queue.send("t", json=object()),
            lambda _: state.put("a", None),
            lambda _: dedup.claim(7, 1),
        ]
        for call in calls:
            with self.assertRaises(TypeError):
                host(call).deliver("t", key="k")
        with self.assertRaises(ValueError):
            host(lambda _: queue.send("t", json=float("nan"))).deliver("t")

    def test_none_is_a_value_of_json(self) -> None:
        [sent] = host(lambda _: queue.send("t", json=None)).deliver("t")
        self.assertEqual(sent.body, b"null")


class Times(unittest.TestCase):
    def test_spans_and_points_in_time_are_whole_milliseconds(self) -> None:
        self.assertEqual(after(timedelta(days=1, milliseconds=5)).value, 86_400_005)
        self.assertEqual(at(datetime(2026, 1, 1, tzinfo=timezone.utc)).value, 1_767_225_600_000)
        self.assertEqual(after(2**63).value, 2**63)

    def test_what_is_none_is_refused(self) -> None:
        for time in [-1, 1.5, 2**64, "1", None, datetime(2026, 1, 1)]:
            with self.assertRaises(ValueError):
                at(time)  # type: ignore[arg-type]
        with self.assertRaises(ValueError):
            after(timedelta(seconds=-1))
        with self.assertRaises(ValueError):
            level(19)


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

    def test_whole_numbers_of_the_routes_are_read_as_such_and_what_is_none_is_told(self) -> None:
        def read(**routes: object) -> int:
            values: list[int] = []
            host(lambda _: values.append(config.get_int("n", 7)), config=routes).deliver("t")
            return values[0]

        self.assertEqual((read(), read(n="-12"), read(n=0)), (7, -12, 0))
        for n in ["", "1.5", "12cents", "1e3"]:
            with self.assertRaisesRegex(Retry, "^config n: "):
                read(n=n)

    def test_a_defect_is_told_with_its_place_and_other_failures_by_their_words(self) -> None:
        def defect() -> None:
            raise KeyError("a\ud800")

        try:
            defect()
        except KeyError as error:
            self.assertRegex(describe(error), r"^KeyError: 'a\\ud800' \(defect, line \d+\)$")
        self.assertEqual(describe(KeyError(1)), "KeyError: 1")
        self.assertEqual(describe(Reject("a\ud800")), "a?")

    def test_lines_of_the_log_are_kept_with_their_level(self) -> None:
        it = host(lambda _: log.warn("careful"))
        it.deliver("t")
        self.assertEqual(it.logged, [("warn", "careful")])


if __name__ == "__main__":
    unittest.main()
