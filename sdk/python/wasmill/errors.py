"""How a handler fails, and how the host refuses a call."""

from __future__ import annotations

import traceback
from datetime import timedelta
from typing import Literal

from wasmill.values import milliseconds, readable


class Reject(Exception):
    """Raised by a handler: the message is never delivered again, and becomes a dead letter."""


class Retry(Exception):
    """Raised by a handler: the message is delivered again after the subscription's next delay."""


class RetryAfter(Exception):
    """Raised by a handler: the message is delivered again after `delay`, in milliseconds if it is a number."""

    def __init__(self, delay: int | timedelta, cause: str) -> None:
        super().__init__(cause)
        self.delay = milliseconds(delay, "delay")


class Problem(Exception):
    """Raised by a gate or a query: the request is refused, and answered as `application/problem+json`.

    `status` is from 400 to 499, `title` names the kind of problem in a few words, `detail` says what
    is wrong with this request, with the remedy, and `field` names the offending field, if any.
    """

    def __init__(self, status: int, title: str, detail: str, field: str | None = None) -> None:
        super().__init__(readable(detail))
        self.status = status
        self.title = readable(title)
        self.field = None if field is None else readable(field)


class HostError(Exception):
    """A call that the host refused; it changed nothing. Not caught, it becomes a retry with its words."""

    def __init__(self, kind: Kind, cause: str) -> None:
        super().__init__(cause)
        self.kind = kind


Kind = Literal["no-key", "limit", "unknown-topic", "invalid", "unavailable"]


def describe(error: Exception) -> str:
    """An error in a line that UTF-8 can hold: its words if they are for people, else where it was raised too."""
    words = str(error)
    if not isinstance(error, (Reject, Retry, RetryAfter, HostError)):
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
        words = f"{type(error).__name__}: {words}{place}"
    return readable(words)
