"""Values of Python as the contract has them, checked: what UTF-8 or a u64 cannot hold would trap."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
"""Headers to send: a mapping, or pairs. A name may occur once."""


class Unset:
    """The default of `json`, since `None` is a value of JSON."""


UNSET = Unset()

DEPTH_MAX = 127
"""Levels of JSON."""

_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))

EPOCH = datetime.fromtimestamp(0, timezone.utc)


def text(value: str, what: str) -> str:
    """A string that UTF-8 can hold."""
    if not isinstance(value, str):
        raise TypeError(f"{what}: a str is needed, not {type(value).__name__}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{what}: the string has half of a surrogate pair, which UTF-8 cannot hold")
    return value


def readable(words: str) -> str:
    """Words for people, in which what UTF-8 cannot hold is replaced."""
    return words.encode(errors="replace").decode()


def optional_text(value: str | None, what: str) -> str | None:
    """A string that may be left out."""
    return None if value is None else text(value, what)


def milliseconds(value: int | timedelta, what: str) -> int:
    """A span of time as the contract's u64: what is begun of a millisecond counts, so that nothing is early."""
    if not isinstance(value, timedelta):
        return u64(value, what)
    number, part = divmod(value, timedelta(milliseconds=1))
    return u64(number + 1 if number >= 0 and part else number, what)


def since_epoch(value: int | datetime, what: str) -> int:
    """A point in time as the contract's u64."""
    if not isinstance(value, datetime):
        return u64(value, what)
    if value.tzinfo is None:
        raise ValueError(f"{what}: a datetime with a time zone is needed")
    return milliseconds(value - EPOCH, what)


def u64(value: int, what: str) -> int:
    """A number of milliseconds."""
    # A bool is an int too.
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise ValueError(f"{what}: whole milliseconds of at least 0 are needed, not {value}")
    return value


def content(body: bytes | str, value: object, what: str = "body") -> bytes:
    """The bytes of a body or a state value: `value` as JSON if it is set, else bytes, or text as UTF-8."""
    if not isinstance(value, Unset):
        return encode_json(value)
    return text(body, what).encode() if isinstance(body, str) else bytes(memoryview(body))


def encode_json(value: object) -> bytes:
    """A value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def decode_json(body: bytes) -> Any:
    """JSON in UTF-8 as a value; a `ValueError` if it is not that."""
    document = body.decode()
    _check_depth(body)
    value = json.loads(document, parse_constant=_no_constant, parse_float=_finite)
    # Only an escape can bring in half of a surrogate pair, and hardly any text has one.
    if "\\ud" in document or "\\uD" in document:
        encode_json(value)
    return value


def _check_depth(body: bytes) -> None:
    """Refuses what is nested deeper than the host itself reads: the parser calls itself for each level, and
    in a component nothing but a trap ends that."""
    if body.count(b"[") + body.count(b"{") <= DEPTH_MAX:
        return
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = re.sub(rb'"[^"]*"', b"", unescaped.translate(_SQUARE, _NO_BRACKETS))
    for _ in range(DEPTH_MAX):
        around = brackets.replace(b"[]", b"")
        if len(around) == len(brackets):
            break
        brackets = around
    if brackets:
        raise ValueError(f"it is not closed, or nested deeper than {DEPTH_MAX} levels")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError("a number too large for a float")
    return value


def header_list(headers: Headers) -> list[tuple[str, str]]:
    """Headers to send, as pairs."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(text(name, "header name"), text(value, f"header {name}")) for name, value in pairs]
