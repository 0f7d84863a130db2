"""`plugin.check` as the contract's `checker`."""

import plugin
from wit_world.exports import checker

from wasmill import asking
from wasmill.received import Half
from wasmill.sending import Unknown


class Checker:
    def check(self, raw: checker.Half) -> checker.Verdict:
        match asking.check(plugin, Half.of(raw)):
            case "commit":
                return checker.Verdict_Commit()
            case "rollback":
                return checker.Verdict_Rollback()
            case Unknown(reason):
                return checker.Verdict_Unknown(reason)
