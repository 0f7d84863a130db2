"""Makes a component of a plugin: `python -m wasmill.build` writes `build/plugin.wasm`."""

import sys
from pathlib import Path

from componentize_py import script

import plugin

ROLES = {"handle": "handler", "admit": "gate", "answer": "query", "check": "checker"}
"""What a plugin may define, and the role that it has by that."""

WORLDS = {
    ("handler",): "step",
    ("handler", "gate"): "step-with-gate",
    ("handler", "query"): "step-with-query",
    ("handler", "checker"): "step-with-checker",
    ("handler", "gate", "query"): "service",
    ("handler", "gate", "query", "checker"): "service-with-checker",
}
"""The contract's worlds, by roles."""


def world() -> str:
    functions = [name for name in ROLES if hasattr(plugin, name)]
    found = WORLDS.get(tuple(ROLES[name] for name in functions))
    if found is None:
        sys.exit(
            f"plugin.py defines {', '.join(functions) or 'no function of a plugin'}: define `handle`, and "
            "`admit`, `answer`, `check`, or `admit` and `answer`, or all of them"
        )
    return found


def main() -> None:
    Path("build").mkdir(exist_ok=True)
    wit = Path(__file__).parent / "wit"
    sys.argv = ["componentize-py", "-q", "-d", str(wit), "-w", world()]
    sys.argv += ["componentize", "wasmill.app", "-o", "build/plugin.wasm"]
    sys.exit(script())


main()
