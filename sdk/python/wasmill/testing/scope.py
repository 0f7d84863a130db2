"""What is kept under a key, and what a test sees of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from wasmill.received import Received
from wasmill.sending import HalfState, Outgoing

_PAGE_ENTRIES_MAX = 1000
_PAGE_BYTES_MAX = 1 << 20


@dataclass
class Sent(Received):
    """A message that a plugin sent, or a timer that it set: due `at`, in milliseconds since the Unix epoch."""

    id: str
    topic: str
    key: str | None
    tag: str | None
    headers: dict[str, str]
    body: bytes
    at: int
    scope_key: str | None = None
    """The key of the handler that sent it, which alone can recall it."""


@dataclass
class HalfMessage:
    """A half message."""

    id: str
    message: Outgoing
    prepared_at: int
    state: HalfState = "prepared"
    checks: int = 0


@dataclass
class Scope:
    """State, timers, claims and half messages of a key."""

    state: dict[str, bytes] = field(default_factory=dict)
    timers: dict[str, Sent] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    """Until when."""
    halves: dict[str, HalfMessage] = field(default_factory=dict)

    def copy(self) -> Scope:
        """A copy, to be changed and then kept, or dropped."""
        return Scope(dict(self.state), dict(self.timers), dict(self.claims), dict(self.halves))

    def scan(self, prefix: str, start_after: str | None, limit: int) -> list[tuple[str, bytes]]:
        """A page of the state. Python orders texts by characters, and so as UTF-8 does."""
        names = (name for name in self.state if name.startswith(prefix) and name > (start_after or ""))
        page: list[tuple[str, bytes]] = []
        size = 0
        for name in sorted(names)[: min(limit, _PAGE_ENTRIES_MAX)]:
            size += len(self.state[name])
            if page and size > _PAGE_BYTES_MAX:
                break
            page.append((name, self.state[name]))
        return page
