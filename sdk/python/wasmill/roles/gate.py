"""`plugin.admit` as the contract's `gate`."""

import plugin
from componentize_py_types import Err
from wit_world.exports import gate
from wit_world.imports import types

from wasmill import asking
from wasmill.errors import Problem
from wasmill.received import Request


class Gate:
    def admit(self, raw: types.Request) -> gate.Accepted:
        try:
            accepted = asking.admit(plugin, Request.of(raw))
        except Problem as problem:
            raise Err(gate.Problem(problem.status, problem.title, str(problem), problem.field)) from None
        return gate.Accepted(
            accepted.key, accepted.dedup_id, accepted.tag, accepted.headers, accepted.body, accepted.answer
        )
