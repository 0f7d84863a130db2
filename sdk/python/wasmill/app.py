"""The component: its exports, by what the module `plugin` defines."""

import plugin

from wasmill.roles.handler import Handler

__all__ = ["Handler"]

if hasattr(plugin, "admit"):
    from wasmill.roles.gate import Gate

    __all__ += ["Gate"]
if hasattr(plugin, "answer"):
    from wasmill.roles.query import Query

    __all__ += ["Query"]
if hasattr(plugin, "check"):
    from wasmill.roles.checker import Checker

    __all__ += ["Checker"]
