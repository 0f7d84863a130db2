"""A host in memory, for unit tests.

It calls a plugin's functions, and keeps what they do as a host would, whole or not at all. It keeps to the
contract: what that refuses is raised as a `HostError`, and so is what the role of the call may not do. It has
one plugin, so what that sends is not delivered anywhere, but shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

from wasmill import asking
from wasmill.received import Half, Message, Received, Request
from wasmill.sending import Accepted, HalfState, Outgoing, Response, Unknown, Verdict
from wasmill.testing import bounds
from wasmill.testing.call import Call
from wasmill.testing.scope import HalfMessage, Scope, Sent
from wasmill.values import UNSET, Headers, content, header_list, milliseconds, text

__all__ = ["Host", "Sent", "request"]

_RINGS_MAX = 10_000
"""Timers that ring in one `advance`, at most: one that sets itself to now is a loop."""


def request(
    method: str = "GET",
    path: str = "/",
    *,
    params: Headers = (),
    query: Headers = (),
    headers: Headers = (),
    body: bytes | str = b"",
    json: object = UNSET,
) -> Request:
    """A request to ask a gate or a query about."""
    lower = {name.lower(): value for name, value in header_list(headers)}
    parts = dict(header_list(params)), header_list(query), lower
    return Request(text(method, "method"), text(path, "path"), *parts, content(body, json))


class Host:
    """Calls a plugin: `Host(plugin, config={...})` after `import plugin`.

    `topics` are those that the routes declare; all are, without it.
    """

    def __init__(
        self,
        plugin: ModuleType | SimpleNamespace,
        *,
        config: Mapping[str, object] | None = None,
        topics: Iterable[str] | None = None,
        now: int = 1_767_225_600_000,
    ) -> None:
        self.config = {name: str(value) for name, value in (config or {}).items()}
        """The plugin's table in the routes."""
        self.topics = None if topics is None else set(topics)
        """The topics that the routes declare; all, if it is none."""
        self.now = now
        """The host's clock, in milliseconds since the Unix epoch; it stands still but for `advance`."""
        self.sent: list[Sent] = []
        """All that was sent, those for later too until they are recalled."""
        self.logged: list[tuple[str, str]] = []
        """Level and text of each line that was logged, those of handlers that failed among them."""
        self._plugin = plugin
        self._scopes: dict[str | None, Scope] = {}
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

        What the handler raises is raised, and nothing of what it did is kept, but half messages.
        """
        message = Outgoing(topic, key=key, tag=tag, headers=headers, body=body, json=json)
        bounds.message(message.key, message.tag, message.headers, message.body)
        sent = Sent(self.new_id(), topic, key, tag, dict(message.headers), message.body, self.now)
        return self._handle(sent, attempt)

    def advance(self, delay: int | timedelta) -> None:
        """Moves the clock on, and delivers the timers that fall due meanwhile, in order.

        What the handler raises is raised: the time is then that of the timer, which stays pending.
        """
        until = self.now + milliseconds(delay, "delay")
        for _ in range(_RINGS_MAX):
            due = self._due(until)
            if due is None:
                self.now = until
                return
            name, timer = due
            self.now = max(self.now, timer.at)
            self._handle(timer, 1, name)
        raise RuntimeError(f"{_RINGS_MAX} timers rang by {until}: does one set itself to now?")

    def admit(self, request: Request) -> Accepted:
        """Asks `admit` about a request, and raises `Problem` if it is refused.

        What it is let in as is not delivered.
        """
        call = Call(self, "admitting")
        accepted = call.run(lambda: asking.admit(self._plugin, request))
        bounds.message(accepted.key, accepted.tag, accepted.headers, accepted.body)
        return accepted

    def answer(self, key: str, request: Request) -> Response:
        """Asks `answer` about the committed state of a key."""
        call = Call(self, "answering", key, self._scope(key).copy())
        return call.run(lambda: asking.answer(self._plugin, key, request))

    def check(self, key: str, name: str) -> Verdict | None:
        """Asks `check` about a half message, as hosts do by themselves, and does as it says.

        None if there is no such half message that is not settled.
        """
        half = self._scope(key).halves.get(name)
        if half is None or half.state != "prepared":
            return None
        message, call = half.message, Call(self, "checking")
        asked = message.topic, message.key, message.tag, dict(message.headers), message.body
        told = Half(half.id, name, key, half.prepared_at, half.checks, *asked)
        verdict = call.run(lambda: asking.check(self._plugin, told))
        if isinstance(verdict, Unknown):
            half.checks += 1
            return verdict
        half.state = "committed" if verdict == "commit" else "rolled-back"
        self._settle(half, half.state)
        return verdict

    def migrate(self, key: str, version: int) -> None:
        """Has `migrate` bring a key's state up to date from a version of its schema.

        What it raises is raised, and nothing of what it did is kept.
        """
        call = Call(self, "migrating", key, self._scope(key).copy())
        call.run(lambda: self._plugin.migrate(version))
        self._scopes[key] = call.scope

    def state(self, key: str) -> dict[str, bytes]:
        """The state of a key."""
        return dict(self._scope(key).state)

    def state_json(self, key: str, name: str) -> Any:
        """A value of a key's state that was written as JSON; none if it is absent."""
        value = Received()
        value.body = self._scope(key).state.get(name, b"null")
        return value.json()

    def put_state(self, key: str, name: str, value: bytes | str = b"", *, json: object = UNSET) -> None:
        """Writes a value of a key's state, to begin a test with."""
        self.keep(key).state[bounds.named(name)] = content(value, json, f"state {name}")

    def timers(self, key: str) -> dict[str, Sent]:
        """The pending timers of a key, by name."""
        return dict(self._scope(key).timers)

    def half(self, key: str, name: str) -> HalfState | None:
        """How a half message of a key is, until a handler settles it, or hears of its end."""
        half = self._scope(key).halves.get(name)
        return None if half is None else half.state

    def new_id(self) -> str:
        """The id of the next message."""
        self._ids += 1
        return f"{self._ids:032x}"

    def keep(self, key: str | None) -> Scope:
        """What is committed under a key, to be changed."""
        return self._scopes.setdefault(key, Scope())

    def _scope(self, key: str | None) -> Scope:
        return self._scopes.get(key, Scope())

    def _due(self, until: int) -> tuple[str, Sent] | None:
        timers = [timer for scope in self._scopes.values() for timer in scope.timers.items()]
        return min((due for due in timers if due[1].at <= until), key=lambda due: due[1].at, default=None)

    def _handle(self, sent: Sent, attempt: int, timer: str = "") -> list[Sent]:
        key = sent.scope_key if timer else sent.key
        call = Call(self, "handling", key, self._scope(key).copy())
        topic, told = sent.topic, (sent.tag, dict(sent.headers), sent.body, sent.at, attempt)
        message = Message(sent.id, topic, topic, key, *told, sent.id, None)
        call.run(lambda: self._plugin.handle(message))
        return self._commit(call, sent, timer)

    def _commit(self, call: Call, message: Sent, timer: str) -> list[Sent]:
        self.sent = [sent for sent in self.sent if sent.id not in call.recalled]
        before = len(self.sent)
        self.sent += call.sent
        for name, state in call.ended.items():
            half = call.scope.halves.pop(name)
            # What a check-back decided was delivered then.
            if half.state == "prepared":
                self._settle(half, state)
        # Unless the handler set it anew.
        pending = call.scope.timers.get(timer)
        if pending and pending.id == message.id:
            del call.scope.timers[timer]
        self._scopes[call.key] = call.scope
        return self.sent[before:]

    def _settle(self, half: HalfMessage, state: HalfState) -> None:
        """Delivers the message of a half that is committed."""
        if state == "committed":
            message, at = half.message, bounds.due(half.message.when, self.now)
            headers = dict(message.headers)
            self.sent.append(Sent(half.id, message.topic, message.key, message.tag, headers, message.body, at))
