"""Half messages: durable before the handler goes on, delivered once they are committed."""

from __future__ import annotations

from wasmill.host import host
from wasmill.sending import HalfState, Outgoing
from wasmill.values import text


def prepare(name: str, message: Outgoing) -> HalfState:
    """Prepares one under a name of this key, or tells how the one that is there stands."""
    return host.prepare(text(name, "half message"), message)


def commit(name: str) -> HalfState:
    """Commits it with this handler's commit; returns the state that stands."""
    return host.commit(text(name, "half message"))


def rollback(name: str) -> HalfState:
    """Rolls it back with this handler's commit; returns the state that stands."""
    return host.rollback(text(name, "half message"))
