"""What of a plugin becomes a component's. Run in sdk/python by `python3 -m unittest`."""

import re
import unittest
from pathlib import Path
from types import ModuleType

from wasmill.world import INTERFACES, check_forms, functions_of, world_of

REPOSITORY = Path(__file__).parents[2]


def plugin(*names: str) -> ModuleType:
    """A module that defines functions of these names."""
    module = ModuleType("plugin")
    exec("".join(f"def {name}(*_): ...\n" for name in names), vars(module))
    return module


class World(unittest.TestCase):
    def test_all_that_the_contract_exports_can_be_exported(self) -> None:
        contract = (REPOSITORY / "wit/exports.wit").read_text()
        declared = re.findall(r"^interface ([a-z-]+) \{.*?^    ([a-z-]+): func", contract, re.MULTILINE | re.DOTALL)
        self.assertEqual(INTERFACES, {function: interface for interface, function in declared})
        roles = {path.stem for path in (REPOSITORY / "sdk/python/wasmill/roles").glob("*.py")}
        self.assertLessEqual(set(INTERFACES.values()), roles)

    def test_any_set_of_functions_is_one(self) -> None:
        functions = functions_of(plugin("check", "tier_of", "_query", "handle", "admit"))
        self.assertEqual(functions, ["handle", "admit", "check"])
        world = ["world plugin {", "    include imports;", "    export handler;", "    export gate;", "    export checker;", "}", ""]
        self.assertEqual(world_of(functions).split("\n"), world)

    def test_a_function_that_is_called_nearly_like_a_plugins_is_an_error_and_so_is_none(self) -> None:
        for name, meant in [("Handle", "handle"), ("gate", "admit"), ("migration", "migrate"), ("an_swer", "answer")]:
            with self.assertRaisesRegex(ValueError, f"`{name}`, .* call it `{meant}`"):
                functions_of(plugin("handle", name))
        with self.assertRaisesRegex(ValueError, "does not define `handle`"):
            functions_of(plugin("answer"))

    def test_a_function_that_cannot_be_called_as_it_is_to_be_is_an_error(self) -> None:
        check_forms(plugin("handle", "answer"), ["handle", "answer"])
        for form, said in [
            ("def admit(): ...", r"`admit\(\)`, .* write `def admit\(request\): ...`"),
            ("def admit(key, request): ...", r"`admit\(key, request\)`"),
            ("def answer(request): ...", r"write `def answer\(key, request\): ...`"),
            ("async def admit(request): ...", "nothing awaits it: write"),
            ("def check(half, *, again): ...", r"`check\(half, \*, again\)`"),
        ]:
            module = plugin("handle")
            exec(form, vars(module))
            with self.assertRaisesRegex(ValueError, said):
                check_forms(module, functions_of(module))
        module = plugin("handle")
        exec("def admit(request, limit=3): ...", vars(module))
        check_forms(module, functions_of(module))

    def test_what_a_plugin_imports_is_its_own_business(self) -> None:
        module = plugin("handle")
        vars(module)["query"] = functions_of
        self.assertEqual(functions_of(module), ["handle"])


if __name__ == "__main__":
    unittest.main()
