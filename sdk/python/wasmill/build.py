"""Makes a component of a plugin: `python -m wasmill.build` writes `build/plugin.wasm`."""

import shutil
import sys
import traceback
from pathlib import Path

from componentize_py import script

from wasmill.errors import HostError
from wasmill.world import check_forms, functions_of, world_of

try:
    import plugin
except HostError as error:
    frames = traceback.extract_tb(error.__traceback__)
    line = next(frame.lineno for frame in reversed(frames) if Path(frame.filename).name == "plugin.py")
    sys.exit(f"plugin.py: line {line}: {error}")

WIT = Path("build/wit")


def write_contract() -> None:
    """The contract has worlds of a few sets of exports only; any set may be a plugin's."""
    try:
        functions = functions_of(plugin)
        check_forms(plugin, functions)
        world = world_of(functions)
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
