"""The host as a component sees it: the types of the SDK over the bindings that are made at build time."""

from __future__ import annotations

from collections.abc import Callable

from componentize_py_types import Err
from wit_world.imports import config, dedup, log, queue, state, timer, transaction, types

from wasmill.errors import HostError
from wasmill.sending import Delivery, HalfState, Outgoing
from wasmill.values import readable

_HALF_STATES: dict[types.HalfState, HalfState] = {
    types.HalfState.PREPARED: "prepared",
    types.HalfState.COMMITTED: "committed",
    types.HalfState.ROLLED_BACK: "rolled-back",
}


def _call(function: Callable, *args):
    try:
        return function(*args)
    except Err as refused:
        raise _host_error(refused.value) from None


def _host_error(error: types.Error) -> HostError:
    match error:
        case types.Error_NoKey():
            return HostError("no-key", "the message has no key, and state, timers and dedup claims belong to one")
        case types.Error_Limit(over):
            return HostError("limit", f"{over.what}: {over.actual} is over the limit of {over.limit}")
        case types.Error_UnknownTopic(topic):
            return HostError("unknown-topic", f"topic `{topic}` is not declared in the routes")
        case types.Error_Unavailable(why):
            return HostError("unavailable", f"the store could not be read: {why}")
        case _:
            return HostError("invalid", error.value)


def _delivery(when: Delivery) -> types.Delivery:
    match when.kind:
        case "after":
            return types.Delivery_After(when.value)
        case "at":
            return types.Delivery_At(when.value)
        case "level":
            return types.Delivery_Level(when.value)
        case _:
            return types.Delivery_Now()


def _outgoing(message: Outgoing) -> types.Outgoing:
    when = _delivery(message.when)
    return types.Outgoing(message.topic, message.key, message.tag, message.headers, message.body, when)


def send(message: Outgoing) -> str:
    return _call(queue.send, _outgoing(message))


def send_many(messages: list[Outgoing]) -> list[str]:
    return _call(queue.send_many, [_outgoing(message) for message in messages])


def recall(id: str) -> bool:
    return _call(queue.recall, id)


def timer_set(name: str, when: Delivery, message: Outgoing) -> None:
    alarm = timer.Alarm(message.topic, message.tag, message.headers, message.body)
    _call(timer.set, name, _delivery(when), alarm)


def timer_cancel(name: str) -> bool:
    return _call(timer.cancel, name)


def timer_reschedule(name: str, when: Delivery) -> bool:
    return _call(timer.reschedule, name, _delivery(when))


def prepare(name: str, message: Outgoing) -> HalfState:
    return _HALF_STATES[_call(transaction.prepare, name, _outgoing(message))]


def commit(name: str) -> HalfState:
    return _HALF_STATES[_call(transaction.commit, name)]


def rollback(name: str) -> HalfState:
    return _HALF_STATES[_call(transaction.rollback, name)]


def claim(id: str, ttl: int) -> bool:
    return _call(dedup.claim, id, ttl)


def state_get(name: str) -> bytes | None:
    return _call(state.get, name)


def state_put(name: str, value: bytes) -> None:
    _call(state.put, name, value)


def state_delete(name: str) -> None:
    _call(state.delete, name)


def state_scan(prefix: str, start_after: str | None, limit: int) -> list[tuple[str, bytes]]:
    return _call(state.scan, prefix, start_after, limit)


def config_get(name: str) -> str | None:
    return config.get(name)


def config_get_all() -> list[tuple[str, str]]:
    return config.get_all()


def log_write(level: str, message: str) -> None:
    log.write(log.Level[level.upper()], readable(message))
