"""`plugin.check` as the contract's `checker`."""

import plugin
from wit_world.exports import checker

from wasmill.errors import describe
from wasmill.received import Half
from wasmill.sending import Unknown


class Checker:
    def check(self, raw: checker.Half) -> checker.Verdict:
        try:
            verdict = plugin.check(Half.of(raw))
        except Exception as error:
            verdict = Unknown(describe(error))
        match verdict:
            case "commit":
                return checker.Verdict_Commit()
            case "rollback":
                return checker.Verdict_Rollback()
            case Unknown(reason):
                return checker.Verdict_Unknown(reason)
            case _:
                return checker.Verdict_Unknown(f"`check` returned {verdict!r}")
