"""The plugin's table in the operator's routes. Read it while a message is handled."""

from __future__ import annotations

import re

from wasmill.errors import Retry
from wasmill.host import host
from wasmill.values import text

_INT_MIN = -(1 << 63)


def get(name: str) -> str | None:
    """A value as text, whatever its type in the routes."""
    return host.config_get(text(name, "config"))


def get_int(name: str, fallback: int, *, minimum: int = _INT_MIN) -> int:
    """A whole number of at least `minimum`, or `fallback` if it is not given.

    Raises `Retry` if it is no such number, or one that 64 bits with a sign cannot hold.
    """
    value = get(name)
    if value is None:
        return fallback
    # More than `int` takes is wrong in the routes: spaces, underscores, digits of other scripts.
    if not re.fullmatch("-?[0-9]{1,19}", value) or not _INT_MIN <= int(value) < -_INT_MIN:
        raise Retry(f'config {name}: "{value}" is no whole number: mend it in the routes')
    if int(value) < minimum:
        raise Retry(f"config {name}: {value} is below {minimum}: mend it in the routes")
    return int(value)


def get_all() -> dict[str, str]:
    """All names and values."""
    return dict(host.config_get_all())
