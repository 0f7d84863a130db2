"""What a plugin calls, in unit tests: it stands in the place of `component`."""

from __future__ import annotations

import re
from dataclasses import replace

from wasmill.errors import HostError
from wasmill.sending import Delivery, HalfState, Outgoing
from wasmill.testing import bounds
from wasmill.testing.call import Call, doing, in_progress
from wasmill.testing.scope import HalfMessage, Sent

_LOG_LINE_BYTES_MAX = 8 << 10


def _check(call: Call, message: Outgoing) -> None:
    """Checks a message that is to be sent."""
    topics = call.host.topics
    if topics is not None and message.topic not in topics:
        raise HostError("unknown-topic", f"topic `{message.topic}` is not declared in the routes")
    bounds.message(message.key, message.tag, message.headers, message.body)


def _sent(call: Call, message: Outgoing) -> Sent:
    """The message as tests see it."""
    id, at = call.host.new_id(), bounds.due(message.when, call.host.now)
    return Sent(id, message.topic, message.key, message.tag, dict(message.headers), message.body, at, call.key)


def send(message: Outgoing) -> str:
    return send_many([message])[0]


def send_many(messages: list[Outgoing]) -> list[str]:
    call = doing("queue.send")
    for message in messages:
        _check(call, message)
    call.account(sum(bounds.length(message.topic) + len(message.body) for message in messages), len(messages))
    sent = [_sent(call, message) for message in messages]
    call.sent += sent
    return [message.id for message in sent]


def recall(id: str) -> bool:
    call = doing("queue.recall")
    if not re.fullmatch("[0-9a-fA-F]{32}", id):
        raise HostError("invalid", f"a message id has 32 hexadecimal digits, this one is {id!r}")
    call.keyed()

    def is_pending(sent: Sent) -> bool:
        return sent.id == id and sent.scope_key == call.key and sent.at > call.host.now

    if any(map(is_pending, call.sent)):
        call.sent = [sent for sent in call.sent if sent.id != id]
        return True
    found = id not in call.recalled and any(map(is_pending, call.host.sent))
    if found:
        call.recalled.add(id)
    return found


def timer_set(name: str, when: Delivery, message: Outgoing) -> None:
    call = doing("timer.set")
    timers = call.keyed().timers
    bounds.named(name)
    _check(call, message)
    call.account(len(message.body) + bounds.length(name), 1)
    timers[name] = replace(_sent(call, message), at=bounds.due(when, call.host.now))


def timer_cancel(name: str) -> bool:
    call = doing("timer.cancel")
    return call.keyed().timers.pop(bounds.named(name), None) is not None


def timer_reschedule(name: str, when: Delivery) -> bool:
    call = doing("timer.reschedule")
    timers = call.keyed().timers
    pending = timers.get(bounds.named(name))
    if pending is None:
        return False
    call.account(0, 1)
    timers[name] = replace(pending, id=call.host.new_id(), at=bounds.due(when, call.host.now))
    return True


def prepare(name: str, message: Outgoing) -> HalfState:
    call = doing("transaction.prepare")
    halves = call.keyed().halves
    if bounds.named(name) in call.ended:
        raise HostError("invalid", f"half message `{name}` was settled in this call: take another name")
    if name in halves:
        state = halves[name].state
        if state != "prepared":
            call.ended[name] = state
        return state
    _check(call, message)
    call.account(bounds.length(message.topic) + len(message.body), 1)
    half = HalfMessage(call.host.new_id(), message, call.host.now)
    halves[name] = half
    # Whatever becomes of the handler.
    call.host.keep(call.key).halves[name] = half
    return half.state


def commit(name: str) -> HalfState:
    return _settle("transaction.commit", name, "committed")


def rollback(name: str) -> HalfState:
    return _settle("transaction.rollback", name, "rolled-back")


def _settle(function: str, name: str, decision: HalfState) -> HalfState:
    call = doing(function)
    half = call.keyed().halves.get(bounds.named(name))
    if name in call.ended:
        return call.ended[name]
    if half is None:
        raise HostError("invalid", f"there is no half message `{name}` under this key: prepare it first")
    call.ended[name] = decision if half.state == "prepared" else half.state
    return call.ended[name]


def claim(id: str, ttl: int) -> bool:
    call = doing("dedup.claim")
    claims = call.keyed().claims
    call.account(bounds.length(bounds.named(id)))
    first = claims.get(id, 0) <= call.host.now
    if first:
        claims[id] = call.host.now + ttl
    return first


def state_get(name: str) -> bytes | None:
    return doing("state.get").keyed().state.get(bounds.named(name))


def state_put(name: str, value: bytes) -> None:
    call = doing("state.put")
    state = call.keyed().state
    bounds.value(value)
    call.account(bounds.length(bounds.named(name)) + len(value))
    state[name] = value


def state_delete(name: str) -> None:
    call = doing("state.delete")
    state = call.keyed().state
    call.account(bounds.length(bounds.named(name)))
    state.pop(name, None)


def state_scan(prefix: str, start_after: str | None, limit: int) -> list[tuple[str, bytes]]:
    return doing("state.scan").keyed().scan(prefix, start_after, limit)


def config_get(name: str) -> str | None:
    return in_progress().host.config.get(name)


def config_get_all() -> list[tuple[str, str]]:
    return list(in_progress().host.config.items())


def log_write(level: str, message: str) -> None:
    line = message.encode(errors="replace")[:_LOG_LINE_BYTES_MAX]
    in_progress().host.logged.append((level, line.decode(errors="ignore")))
