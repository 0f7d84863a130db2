"""`plugin.answer` as the contract's `query`."""

import plugin
from wit_world.exports import query
from wit_world.imports import types

from wasmill import asking
from wasmill.received import Request


class Query:
    def answer(self, key: str, raw: types.Request) -> query.Response:
        response = asking.answer(plugin, key, Request.of(raw))
        return query.Response(response.status, response.headers, response.body, response.settled)
