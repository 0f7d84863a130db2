"""The contract's bounds and forms, checked as the host does."""

from __future__ import annotations

from wasmill.errors import HostError
from wasmill.sending import Delivery
from wasmill.values import Headers

_NAME_BYTES_MAX = 256
_KEY_BYTES_MAX = 256
_TAG_BYTES_MAX = 127
_HEADERS_MAX = 128
_HEADER_BYTES_MAX = 16 << 10
_BODY_BYTES_MAX = 4 << 20
_VALUE_BYTES_MAX = 1 << 20
_LEVELS: list[int] = [1, 5, 10, 30, *range(60, 601, 60), 1200, 1800, 3600, 7200]
"""RocketMQ's delay levels in seconds, from level 1 on."""


def length(text: str | None) -> int:
    """The length of a text in UTF-8."""
    return len((text or "").encode())


def within(what: str, actual: int, limit: int) -> None:
    """Checks a size or a count."""
    if actual > limit:
        raise HostError("limit", f"{what}: {actual} is over the limit of {limit}")


def named(name: str) -> str:
    """Checks a name that the plugin chose, and returns it."""
    if not name or "\0" in name:
        raise HostError("invalid", f"a name has 1 to {_NAME_BYTES_MAX} bytes and no NUL, this one is {name!r}")
    within("name bytes", length(name), _NAME_BYTES_MAX)
    return name


def value(content: bytes) -> None:
    """Checks a value of the state."""
    within("state value bytes", len(content), _VALUE_BYTES_MAX)


def message(key: str | None, tag: str | None, headers: Headers, body: bytes) -> None:
    """Checks the parts of a message."""
    if key == "":
        raise HostError("invalid", "a key has at least one byte")
    within("key bytes", length(key), _KEY_BYTES_MAX)
    within("tag bytes", length(tag), _TAG_BYTES_MAX)
    pairs = list(headers)
    within("headers", len(pairs), _HEADERS_MAX)
    within("header bytes", sum(length(name) + length(text) for name, text in pairs), _HEADER_BYTES_MAX)
    within("body bytes", len(body), _BODY_BYTES_MAX)


def due(when: Delivery, now: int) -> int:
    """When a message is due, in milliseconds since the Unix epoch: never before now."""
    match when.kind:
        case "after":
            return now + when.value
        case "at":
            return max(now, when.value)
        case "level":
            return now + _LEVELS[when.value - 1] * 1000
        case _:
            return now
