"""Run in sdk/python by `python3 -m unittest`."""

import json
import unittest
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

from wasmill import (
    Message,
    Outgoing,
    Problem,
    Reject,
    Request,
    Retry,
    after,
    asking,
    at,
    config,
    dedup,
    level,
    log,
    queue,
    state,
    timer,
)
from wasmill.errors import describe
from wasmill.testing import Host, request

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
        bodies = [b"\xff", b"", b"{", b"\xef\xbb\xbf1", '"\\ud800"', '{"\\uDC00": 1}', b"NaN", b"[-Infinity]", b"01", b"1e999", b"[-1E+400]"]
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

    def test_nothing_is_early_by_a_part_of_a_millisecond(self) -> None:
        self.assertEqual(after(timedelta(microseconds=1)).value, 1)
        self.assertEqual(after(timedelta(microseconds=1_001)).value, 2)
        self.assertEqual(at(datetime(1970, 1, 1, 0, 0, 0, 1, timezone.utc)).value, 1)

    def test_what_is_none_is_refused(self) -> None:
        for time in [-1, 1.5, 1.0, True, 2**64, "1", None, datetime(2026, 1, 1)]:
            with self.assertRaises(ValueError):
                at(time)  # type: ignore[arg-type]
        for delay in [timedelta(seconds=-1), timedelta(microseconds=-1)]:
            with self.assertRaises(ValueError):
                after(delay)
        for number in [0, 19, 1.0, True]:
            with self.assertRaises(ValueError):
                level(number)  # type: ignore[arg-type]


class Handlers(unittest.TestCase):
    def test_whole_numbers_of_the_routes_are_read_as_such_and_what_is_none_is_told(self) -> None:
        def read(**routes: object) -> int:
            values: list[int] = []
            host(lambda _: values.append(config.get_int("n", 7)), config=routes).deliver("t")
            return values[0]

        self.assertEqual((read(), read(n="-12"), read(n=0)), (7, -12, 0))
        for n in ["", "1.5", "12cents", "1e3", "1_000", " 7 ", "7\n", "\u0661", "+7", 2**63, "9" * 5_000]:
            with self.subTest(n=n), self.assertRaisesRegex(Retry, "^config n: "):
                read(n=n)
        with self.assertRaisesRegex(Retry, "^config n: 0 is below 1"):
            host(lambda _: config.get_int("n", 7, minimum=1), config={"n": 0}).deliver("t")

    def test_the_key_that_a_handler_needs_is_there_or_the_message_is_rejected(self) -> None:
        keys: list[str] = []
        it = host(lambda message: keys.append(message.require_key()))
        it.deliver("t", key="k")
        self.assertEqual(keys, ["k"])
        with self.assertRaisesRegex(Reject, "`t` needs a key"):
            it.deliver("t")

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


class Requests(unittest.TestCase):
    def test_what_the_bindings_give_is_read_by_name(self) -> None:
        raw = SimpleNamespace(
            method="GET", path="/", params=[("user", "ann")], query=[("a", "1"), ("a", "2")], headers=[("h", "v")], body=b""
        )
        it = Request.of(raw)
        self.assertEqual((it.params, it.headers), ({"user": "ann"}, {"h": "v"}))
        self.assertEqual((it.query_value("a"), it.query_value("b")), ("1", None))

    def test_one_that_cannot_be_read_is_the_clients_fault_at_gates_and_queries_alike(self) -> None:
        plugin = SimpleNamespace(admit=lambda it: it.json(), answer=lambda _, it: it.text())
        with self.assertRaisesRegex(Problem, "^body: not JSON: ") as raised:
            asking.admit(plugin, request(body="{"))
        self.assertEqual((raised.exception.status, raised.exception.title), (400, "invalid request"))
        response = asking.answer(plugin, "k", request(body=b"\xff"))
        self.assertEqual((response.status, response.headers), (400, [("content-type", "application/problem+json")]))
        problem = json.loads(response.body)
        self.assertEqual((problem["status"], problem["title"]), (400, "invalid request"))
        self.assertRegex(problem["detail"], "^body: not UTF-8: ")

    def test_what_else_a_gate_or_a_query_raises_is_a_fault_of_the_plugins(self) -> None:
        def defect(*_: object) -> None:
            raise TypeError("no function")

        plugin = SimpleNamespace(admit=defect, answer=defect)
        with self.assertRaises(TypeError):
            asking.admit(plugin, request())
        with self.assertRaises(TypeError):
            asking.answer(plugin, "k", request())


if __name__ == "__main__":
    unittest.main()
