"""`plugin.handle` as the contract's `handler`."""

import plugin
from wit_world.imports import types

from wasmill.received import Message
from wasmill.roles.failing import failing


class Handler:
    def handle(self, raw: types.Message) -> None:
        failing(lambda: plugin.handle(Message.of(raw)))
