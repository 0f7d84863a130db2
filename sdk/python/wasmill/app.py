"""The component: its exports, by what the module `plugin` defines."""

import plugin

from wasmill.roles.handler import Handler
from wasmill.world import functions_of

__all__ = ["Handler"]

_functions = functions_of(plugin)

if "admit" in _functions:
    from wasmill.roles.gate import Gate

    __all__ += ["Gate"]
if "answer" in _functions:
    from wasmill.roles.query import Query

    __all__ += ["Query"]
if "check" in _functions:
    from wasmill.roles.checker import Checker

    __all__ += ["Checker"]
if "migrate" in _functions:
    from wasmill.roles.migration import Migration

    __all__ += ["Migration"]
