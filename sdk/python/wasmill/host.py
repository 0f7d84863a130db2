"""The host: as a component sees it, or in unit tests the one in memory."""

import sys

if sys.platform == "wasi":
    from wasmill import component as host
else:
    from wasmill.testing import contract as host

__all__ = ["host"]
