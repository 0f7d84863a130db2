"""Makes a component of a plugin: `python -m wasmill.build` writes `build/plugin.wasm`."""

import shutil
import sys
from pathlib import Path

from componentize_py import script

import plugin
from wasmill.world import functions_of, world_of

WIT = Path("build/wit")


def write_contract() -> None:
    """The contract has worlds of a few sets of exports only; any set may be a plugin's."""
    try:
        world = world_of(functions_of(plugin))
    except ValueError as error:
        sys.exit(f"plugin.py {error}")
    shutil.rmtree(WIT, ignore_errors=True)
    shutil.copytree(Path(__file__).parent / "wit", WIT)
    (WIT / "plugin.wit").write_text(world, encoding="utf-8")


def main() -> None:
    write_contract()
    sys.argv = ["componentize-py", "-q", "-d", str(WIT), "-w", "plugin"]
    sys.argv += ["componentize", "wasmill.app", "-o", "build/plugin.wasm"]
    sys.exit(script())


main()
