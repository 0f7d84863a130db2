"""Named timers of this plugin and key. What one delivers is a message to this plugin."""

from __future__ import annotations

from wasmill.host import host
from wasmill.sending import Delivery, Outgoing
from wasmill.values import UNSET, Headers, text


def set(
    name: str,
    when: Delivery,
    topic: str,
    *,
    tag: str | None = None,
    headers: Headers = (),
    body: bytes | str = b"",
    json: object = UNSET,
) -> None:
    """Sets the timer of this name, in place of one that is pending.

    A subscription of this plugin must match the topic, and the tag.
    """
    host.timer_set(text(name, "timer"), when, Outgoing(topic, tag=tag, headers=headers, body=body, json=json))


def cancel(name: str) -> bool:
    """Cancels the timer. True if it was pending."""
    return host.timer_cancel(text(name, "timer"))


def reschedule(name: str, when: Delivery) -> bool:
    """Moves a pending timer to another time. False, and nothing done, if none is pending."""
    return host.timer_reschedule(text(name, "timer"), when)
