"""`plugin.migrate` as the contract's `migration`."""

import plugin

from wasmill.roles.failing import failing


class Migration:
    def migrate(self, version: int) -> None:
        failing(lambda: plugin.migrate(version))
