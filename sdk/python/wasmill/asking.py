"""Asks a plugin's functions, in a component as in unit tests: what they raise becomes what the contract has for it."""

from __future__ import annotations

from typing import Any

from wasmill.errors import Problem, Reject, describe
from wasmill.received import Half, Request
from wasmill.sending import Accepted, Response, Unknown, Verdict
from wasmill.values import readable


def admit(plugin: Any, request: Request) -> Accepted:
    """What the gate makes of a request; raises `Problem` if it refuses that, or cannot read it."""
    try:
        return plugin.admit(request)
    except Reject as error:
        raise _invalid(error) from None


def answer(plugin: Any, key: str, request: Request) -> Response:
    """What the query answers."""
    try:
        return plugin.answer(key, request)
    except Problem as problem:
        return _refusal(problem)
    except Reject as error:
        return _refusal(_invalid(error))


def check(plugin: Any, half: Half) -> Verdict:
    """What the checker decides."""
    try:
        verdict = plugin.check(half)
    except MemoryError:
        # As in handlers: the trap brings a fresh instance.
        raise
    except Exception as error:
        return Unknown(describe(error))
    match verdict:
        case "commit" | "rollback":
            return verdict
        case Unknown(reason):
            return Unknown(readable(str(reason)))
        case _:
            return Unknown(readable(f"`check` returned {verdict!r}"))


def _invalid(error: Reject) -> Problem:
    return Problem(400, "invalid request", describe(error))


def _refusal(problem: Problem) -> Response:
    details = {"status": problem.status, "title": problem.title, "detail": str(problem), "field": problem.field}
    given = {name: value for name, value in details.items() if value is not None}
    return Response(status=problem.status, headers={"content-type": "application/problem+json"}, json=given)
