"""The plugin's table in the operator's routes. Read it while a message is handled."""

from __future__ import annotations

from wasmill.errors import Retry
from wasmill.host import host
from wasmill.values import text


def get(name: str) -> str | None:
    """A value as text, whatever its type in the routes."""
    return host.config_get(text(name, "config"))


def get_int(name: str, fallback: int) -> int:
    """A whole number, or `fallback` if it is not given; raises `Retry` if it is no such number."""
    value = get(name)
    try:
        return fallback if value is None else int(value)
    except ValueError:
        raise Retry(f'config {name}: "{value}" is no whole number: mend it in the routes') from None


def get_all() -> dict[str, str]:
    """All names and values."""
    return dict(host.config_get_all())
