"""The call in progress: what its role may do, and what it did so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from wasmill.errors import HostError
from wasmill.sending import HalfState
from wasmill.testing.bounds import within
from wasmill.testing.scope import Scope, Sent

if TYPE_CHECKING:
    from wasmill.testing import Host

Role = Literal["handling", "migrating", "answering", "admitting", "checking"]
Returned = TypeVar("Returned")

_SENDS_MAX = 1000
_EFFECT_BYTES_MAX = 16 << 20

_MAY: dict[Role, tuple[str, ...]] = {
    "migrating": ("state.get", "state.scan", "state.put", "state.delete"),
    "answering": ("state.get", "state.scan"),
}
"""What roles may do of the host's, beside `config` and `log`. Handlers may do everything, others nothing."""

_WHY: dict[Role, str] = {
    "migrating": "`migration.migrate`: it only brings the state up to date",
    "answering": "`query.answer`: a query only reads",
    "admitting": "`gate.admit`: a gate is stateless",
    "checking": "`checker.check`: a checker only decides",
}
"""Where other calls are refused, and why."""

_OUTSIDE = (
    "this is refused outside of a call, as at the top level of a file, which runs once, when the plugin is built: "
    "do it in a function that the host calls, such as `handle`; a test calls these by a method of its `Host`"
)

_current: Call | None = None


@dataclass
class Call:
    """A call of a plugin's function: its effects, until it ends."""

    host: Host
    role: Role
    key: str | None = None
    scope: Scope = field(default_factory=Scope)
    sent: list[Sent] = field(default_factory=list)
    recalled: set[str] = field(default_factory=set)
    """Ids of messages that were sent before."""
    ended: dict[str, HalfState] = field(default_factory=dict)
    """Half messages that end with the commit, and how."""
    _sends: int = 0
    _bytes: int = 0

    def run(self, plugin: Callable[[], Returned]) -> Returned:
        """Calls the plugin."""
        global _current
        _current = self
        try:
            return plugin()
        finally:
            _current = None

    def keyed(self) -> Scope:
        """What is kept under the key."""
        if self.key is None:
            raise HostError("no-key", "the message has no key, and state, timers and dedup claims belong to one")
        return self.scope

    def account(self, size: int, messages: int = 0) -> None:
        """Counts bytes that are sent or written, and the messages that they are of."""
        within("sends per call", self._sends + messages, _SENDS_MAX)
        within("bytes sent and written per call", self._bytes + size, _EFFECT_BYTES_MAX)
        self._sends += messages
        self._bytes += size


def in_progress() -> Call:
    """The call in progress. The plugin's calls of the host reach the one that it is of."""
    if _current is None:
        raise HostError("invalid", _OUTSIDE)
    return _current


def doing(function: str) -> Call:
    """The call in progress, which does something that its role must allow."""
    call = in_progress()
    if call.role != "handling" and function not in _MAY.get(call.role, ()):
        raise HostError("invalid", f"`{function}` is refused in {_WHY[call.role]}; do this in `handler.handle`")
    return call
