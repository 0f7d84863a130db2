"""A host in memory, for unit tests.

It delivers messages to a plugin's `handle`, and keeps what that does as a host would, whole or not at
all. The plugin's calls reach the host whose message is being handled.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol

from wasmill.errors import HostError
from wasmill.received import Message, Received
from wasmill.sending import Delivery, HalfState, Outgoing
from wasmill.values import UNSET, Headers, milliseconds

_BODY_BYTES_MAX = 4 << 20
_VALUE_BYTES_MAX = 1 << 20
_NAME_BYTES_MAX = 256
_PAGE_MAX = 1000
_LEVELS: list[int] = [1, 5, 10, 30, *range(60, 601, 60), 1200, 1800, 3600, 7200]


class Plugin(Protocol):
    """What a plugin's module defines."""

    def handle(self, message: Message, /) -> None:
        """Handles one message."""


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


@dataclass
class _Half:
    message: Outgoing
    state: HalfState = "prepared"


@dataclass
class _Scope:
    """What a plugin has under a key."""

    state: dict[str, bytes] = field(default_factory=dict)
    timers: dict[str, Sent] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    halves: dict[str, _Half] = field(default_factory=dict)


class Host:
    """Delivers messages to a plugin: `Host(plugin, config={...})` after `import plugin`."""

    def __init__(
        self, plugin: Plugin, *, config: Mapping[str, object] | None = None, now: int = 1_767_225_600_000
    ) -> None:
        self.config = {name: str(value) for name, value in (config or {}).items()}
        """The plugin's table in the routes."""
        self.now = now
        """The host's clock, in milliseconds since the Unix epoch; it stands still but for `advance`."""
        self.sent: list[Sent] = []
        """All that was sent."""
        self.logged: list[tuple[str, str]] = []
        """Level and text of each line that was logged."""
        self._plugin = plugin
        self._scopes: dict[str | None, _Scope] = {}
        self._ids = 0

    def deliver(
        self,
        topic: str,
        *,
        key: str | None = None,
        tag: str | None = None,
        headers: Headers = (),
        body: bytes | str = b"",
        json: object = UNSET,
        attempt: int = 1,
    ) -> list[Sent]:
        """Delivers a message; returns what its handler sent.

        What the handler raises is raised, and nothing of what it did is kept.
        """
        return self._handle(Outgoing(topic, key=key, tag=tag, headers=headers, body=body, json=json), attempt)

    def advance(self, delay: int | timedelta) -> None:
        """Moves the clock on, and delivers the timers that fall due meanwhile, in order."""
        until = self.now + milliseconds(delay, "delay")
        while due := self._due(until):
            key, name, timer = due
            self.now = max(self.now, timer.at)
            headers = timer.headers.items()
            self._handle(Outgoing(timer.topic, key=key, tag=timer.tag, headers=headers, body=timer.body), 1, name)
        self.now = until

    def state(self, key: str) -> dict[str, bytes]:
        """The state of a key."""
        return dict(self._scope(key).state)

    def state_json(self, key: str, name: str) -> Any:
        """A value of a key's state that was written as JSON; none if it is absent."""
        value = Received()
        value.body = self._scope(key).state.get(name, b"null")
        return value.json()

    def timers(self, key: str) -> dict[str, Sent]:
        """The pending timers of a key, by name."""
        return dict(self._scope(key).timers)

    def new_id(self) -> str:
        """The id of the next message."""
        self._ids += 1
        return f"{self._ids:032x}"

    def _scope(self, key: str | None) -> _Scope:
        return self._scopes.get(key, _Scope())

    def _due(self, until: int) -> tuple[str | None, str, Sent] | None:
        timers = [(key, name, timer) for key, scope in self._scopes.items() for name, timer in scope.timers.items()]
        return min((due for due in timers if due[2].at <= until), key=lambda due: due[2].at, default=None)

    def _handle(self, message: Outgoing, attempt: int, timer: str = "") -> list[Sent]:
        global _call
        id = self.new_id()
        _call = call = _Call(self, message.key, copy.deepcopy(self._scope(message.key)))
        call.scope.timers.pop(timer, None)
        try:
            topic, headers = message.topic, dict(message.headers)
            self._plugin.handle(
                Message(
                    id, topic, topic, message.key, message.tag, headers, message.body, self.now, attempt, id, None
                )
            )
        finally:
            _call = None
        self._scopes[message.key] = call.scope
        self.sent += call.sent
        return call.sent


@dataclass
class _Call:
    """What a handler did so far."""

    host: Host
    key: str | None
    scope: _Scope
    sent: list[Sent] = field(default_factory=list)

    def keyed(self) -> _Scope:
        if self.key is None:
            raise HostError("no-key", "the message has no key, and state, timers and dedup claims belong to one")
        return self.scope

    def time(self, when: Delivery) -> int:
        match when.kind:
            case "after":
                return self.host.now + when.value
            case "at":
                return when.value
            case "level":
                return self.host.now + _LEVELS[when.value - 1] * 1000
            case _:
                return self.host.now

    def outgoing(self, message: Outgoing) -> Sent:
        _within("body bytes", len(message.body), _BODY_BYTES_MAX)
        id, headers, at = self.host.new_id(), dict(message.headers), self.time(message.when)
        return Sent(id, message.topic, message.key, message.tag, headers, message.body, at)

    def half(self, name: str) -> _Half:
        half = self.keyed().halves.get(_named(name))
        if half is None:
            raise HostError("invalid", f"no half message `{name}` was prepared under this key")
        return half


_call: _Call | None = None


def _under() -> _Call:
    if _call is None:
        raise HostError("unavailable", "no message is being handled: deliver one with `Host.deliver`")
    return _call


def _within(what: str, actual: int, limit: int) -> None:
    if actual > limit:
        raise HostError("limit", f"{what}: {actual} is over the limit of {limit}")


def _named(name: str) -> str:
    _within("name bytes", len(name.encode()), _NAME_BYTES_MAX)
    if not name:
        raise HostError("invalid", "a name has 1 to 256 bytes")
    return name


def send(message: Outgoing) -> str:
    return send_many([message])[0]


def send_many(messages: list[Outgoing]) -> list[str]:
    sent = [_under().outgoing(message) for message in messages]
    _under().sent += sent
    return [message.id for message in sent]


def recall(id: str) -> bool:
    call = _under()
    for sent in (call.sent, call.host.sent):
        for message in sent:
            if message.id == id and message.at > call.host.now:
                sent.remove(message)
                return True
    return False


def timer_set(name: str, when: Delivery, message: Outgoing) -> None:
    call = _under()
    call.keyed().timers[_named(name)] = replace(call.outgoing(message), at=call.time(when))


def timer_cancel(name: str) -> bool:
    return _under().keyed().timers.pop(_named(name), None) is not None


def timer_reschedule(name: str, when: Delivery) -> bool:
    pending = _under().keyed().timers.get(_named(name))
    if pending:
        pending.at = _under().time(when)
    return pending is not None


def prepare(name: str, message: Outgoing) -> HalfState:
    return _under().keyed().halves.setdefault(_named(name), _Half(message)).state


def commit(name: str) -> HalfState:
    half = _under().half(name)
    if half.state == "prepared":
        half.state = "committed"
        send(half.message)
    return half.state


def rollback(name: str) -> HalfState:
    half = _under().half(name)
    if half.state == "prepared":
        half.state = "rolled-back"
    return half.state


def claim(id: str, ttl: int) -> bool:
    call = _under()
    claims = call.keyed().claims
    first = claims.get(_named(id), 0) <= call.host.now
    if first:
        claims[id] = call.host.now + ttl
    return first


def state_get(name: str) -> bytes | None:
    return _under().keyed().state.get(_named(name))


def state_put(name: str, value: bytes) -> None:
    _within("value bytes", len(value), _VALUE_BYTES_MAX)
    _under().keyed().state[_named(name)] = value


def state_delete(name: str) -> None:
    _under().keyed().state.pop(_named(name), None)


def state_scan(prefix: str, start_after: str | None, limit: int) -> list[tuple[str, bytes]]:
    state = _under().keyed().state
    names = sorted(name for name in state if name.startswith(prefix) and name > (start_after or ""))
    return [(name, state[name]) for name in names[: min(limit, _PAGE_MAX)]]


def config_get(name: str) -> str | None:
    return _under().host.config.get(name)


def config_get_all() -> list[tuple[str, str]]:
    return list(_under().host.config.items())


def log_write(level: str, message: str) -> None:
    _under().host.logged.append((level, message))
