"""What plugins import: the host's interfaces, what arrives, and the errors that a plugin raises.

The plugin itself is the module `plugin` with a function `handle(message)`, and as it needs
`admit(request)`, `answer(key, request)`, `check(half)` and `migrate(version)`.
"""

from wasmill import config, dedup, log, queue, state, timer, transaction
from wasmill.errors import HostError, Problem, Reject, Retry, RetryAfter
from wasmill.received import Half, Message, Request
from wasmill.sending import Accepted, Delivery, Outgoing, Response, Unknown, Verdict, after, at, level

__all__ = [
    "Accepted",
    "Delivery",
    "Half",
    "HostError",
    "Message",
    "Outgoing",
    "Problem",
    "Reject",
    "Request",
    "Response",
    "Retry",
    "RetryAfter",
    "Unknown",
    "Verdict",
    "after",
    "at",
    "config",
    "dedup",
    "level",
    "log",
    "queue",
    "state",
    "timer",
    "transaction",
]
