"""What the module `plugin` defines, and the world of the contract that it thereby is."""

from __future__ import annotations

import inspect
from types import FunctionType, ModuleType

INTERFACES = {"handle": "handler", "admit": "gate", "answer": "query", "check": "checker", "migrate": "migration"}
"""What a plugin may define, and the contract's interface of it."""

_PARAMETERS = {
    "handle": ["message"],
    "admit": ["request"],
    "answer": ["key", "request"],
    "check": ["half"],
    "migrate": ["version"],
}
"""What each is called with."""


def functions_of(plugin: ModuleType) -> list[str]:
    """The functions of a plugin that a module has.

    A `ValueError` if the module itself defines one that is called nearly so: the host would never call it.
    """
    for name, value in vars(plugin).items():
        is_own = isinstance(value, FunctionType) and value.__module__ == plugin.__name__
        if meant := _nearly(name) if is_own and not name.startswith("_") else None:
            raise ValueError(f"defines `{name}`, which no host calls: call it `{meant}`, or `_{name}`")
    if not callable(getattr(plugin, "handle", None)):
        raise ValueError("does not define `handle`, which every plugin has: `def handle(message): ...`")
    return [name for name in INTERFACES if callable(getattr(plugin, name, None))]


def check_forms(plugin: ModuleType, functions: list[str]) -> None:
    """A `ValueError` if one of a plugin's functions cannot be called as it is to be."""
    for name in functions:
        function, parameters = getattr(plugin, name), _PARAMETERS[name]
        wanted = f"`def {name}({', '.join(parameters)}): ...`"
        if inspect.iscoroutinefunction(function):
            raise ValueError(f"defines `{name}` with `async`, and nothing awaits it: write {wanted}")
        signature = inspect.signature(function)
        try:
            signature.bind(*parameters)
        except TypeError:
            raise ValueError(f"defines `{name}{signature}`, which cannot be called so: write {wanted}") from None


def _nearly(name: str) -> str | None:
    """The function that is meant by a name which is none of them."""
    bare = name.replace("_", "").lower()
    near = (function for function, interface in INTERFACES.items() if bare in (function, interface))
    return None if name in INTERFACES else next(near, None)


def world_of(functions: list[str]) -> str:
    """The world of a plugin with these functions, in the package of the contract."""
    exported = "".join(f"    export {INTERFACES[name]};\n" for name in functions)
    return f"world plugin {{\n    include imports;\n{exported}}}\n"
