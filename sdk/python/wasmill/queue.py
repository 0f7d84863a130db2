"""Sending messages. A send becomes real with the handler's commit, or not at all."""

from __future__ import annotations

from collections.abc import Iterable

from wasmill.host import host
from wasmill.sending import NOW, Delivery, Outgoing
from wasmill.values import UNSET, Headers, text


def send(
    topic: str,
    *,
    key: str | None = None,
    tag: str | None = None,
    headers: Headers = (),
    body: bytes | str = b"",
    json: object = UNSET,
    when: Delivery = NOW,
) -> str:
    """Sends a message, as `Outgoing` describes it; returns the id that it will carry."""
    return host.send(Outgoing(topic, key=key, tag=tag, headers=headers, body=body, json=json, when=when))


def send_many(messages: Iterable[Outgoing]) -> list[str]:
    """Sends all of the messages, or none; returns their ids in order."""
    return host.send_many(list(messages))


def recall(id: str) -> bool:
    """Recalls a delayed message that was sent under this key. True if it now never arrives."""
    return host.recall(text(id, "id"))
