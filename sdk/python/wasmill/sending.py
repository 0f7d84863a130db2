"""What a plugin sends and answers, and when it is delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from wasmill.values import UNSET, Headers, content, header_list, milliseconds, optional_text, since_epoch, text


@dataclass(frozen=True, slots=True)
class Delivery:
    """When a message is to be delivered: see `after`, `at` and `level`."""

    kind: Literal["now", "after", "at", "level"]
    value: int = 0


NOW = Delivery("now")
"""With the handler's commit."""


def after(delay: int | timedelta) -> Delivery:
    """So long from now, in milliseconds if it is a number."""
    return Delivery("after", milliseconds(delay, "delay"))


def at(time: int | datetime) -> Delivery:
    """At this time, in milliseconds since the Unix epoch if it is a number. A time in the past means now."""
    return Delivery("at", since_epoch(time, "time"))


def level(number: int) -> Delivery:
    """After one of RocketMQ's delay levels, 1 to 18: 1s 5s 10s 30s 1m 2m ... 10m 20m 30m 1h 2h."""
    # A float is in a range too, and so is a bool.
    if type(number) is not int or number not in range(1, 19):
        raise ValueError(f"level: a number from 1 to 18 is needed, not {number}")
    return Delivery("level", number)


@dataclass(frozen=True, slots=True)
class Unknown:
    """What becomes of a half message is not known yet, with the reason: ask again later."""

    reason: str


HalfState = Literal["prepared", "committed", "rolled-back"]
"""How a half message is."""

Verdict = Literal["commit", "rollback"] | Unknown
"""What is to become of a half message."""


class Outgoing:
    """A message to send: `json` is sent as JSON, else `body` as it is, text as UTF-8; 4 MiB at most."""

    __slots__ = ("topic", "key", "tag", "headers", "body", "when")

    def __init__(
        self,
        topic: str,
        *,
        key: str | None = None,
        tag: str | None = None,
        headers: Headers = (),
        body: bytes | str = b"",
        json: object = UNSET,
        when: Delivery = NOW,
    ) -> None:
        self.topic = text(topic, "topic")
        self.key = optional_text(key, "key")
        self.tag = optional_text(tag, "tag")
        self.headers = header_list(headers)
        self.body = content(body, json)
        self.when = when


class Accepted:
    """A request let in, as the message that it becomes; `answer` is what is answered, as JSON.

    With `dedup_id`, the producer's id of the request within the key, the same id again starts nothing.
    """

    __slots__ = ("key", "dedup_id", "tag", "headers", "body", "answer")

    def __init__(
        self,
        *,
        key: str | None = None,
        dedup_id: str | None = None,
        tag: str | None = None,
        headers: Headers = (),
        body: bytes | str = b"",
        json: object = UNSET,
        answer: object = UNSET,
    ) -> None:
        self.key = optional_text(key, "key")
        self.dedup_id = optional_text(dedup_id, "dedup_id")
        self.tag = optional_text(tag, "tag")
        self.headers = header_list(headers)
        self.body = content(body, json)
        self.answer = content(b"", answer)


class Response:
    """The answer to a query. `settled`: whether the flow behind it has reached its outcome."""

    __slots__ = ("status", "headers", "body", "settled")

    def __init__(
        self,
        *,
        status: int = 200,
        headers: Headers = (),
        body: bytes | str = b"",
        json: object = UNSET,
        settled: bool = False,
    ) -> None:
        self.status = status
        self.headers = header_list(headers)
        self.body = content(body, json)
        self.settled = settled
