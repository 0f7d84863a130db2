"""Claims of ids by this plugin and key: the first one wins, for a time."""

from __future__ import annotations

from datetime import timedelta

from wasmill.host import host
from wasmill.values import milliseconds, text


def claim(id: str, ttl: int | timedelta) -> bool:
    """Claims an id for so long, in milliseconds if it is a number. False while an earlier claim is in force."""
    return host.claim(text(id, "id"), milliseconds(ttl, "ttl"))
