"""What arrives: messages, requests, half messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from wasmill.errors import Reject
from wasmill.values import decode_json

if TYPE_CHECKING:
    from typing import Self


class Received:
    """What has headers and a body."""

    _MAPPINGS: ClassVar[tuple[str, ...]] = ("headers",)
    """Pairs of the contract that are a mapping here."""

    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, raw: object) -> Self:
        """What the bindings give, as plugins get it."""
        fields = vars(raw)
        return cls(**fields | {name: dict(fields[name]) for name in cls._MAPPINGS})

    def text(self) -> str:
        """The body as text; raises `Reject` if it is not UTF-8."""
        try:
            return self.body.decode()
        except UnicodeDecodeError as error:
            raise Reject(f"body: not UTF-8: {error}") from None

    def json(self) -> Any:
        """The body as a value of JSON; raises `Reject` if it is not JSON.

        Nothing is checked beyond that: look at its fields before you trust them.
        """
        try:
            return decode_json(self.body)
        except ValueError as error:
            raise Reject(f"body: not JSON: {error}") from None


@dataclass
class Message(Received):
    """A message as a subscription receives it."""

    id: str
    """Unique for ever: 32 hexadecimal digits. The same for every subscription and attempt."""
    topic: str
    """The topic it was sent to."""
    subscription: str
    """The subscription that delivers it, as the operator named it."""
    key: str | None
    """The key under which this subscription handles it; none for an unkeyed message."""
    tag: str | None
    """The sender's tag."""
    headers: dict[str, str]
    """The sender's headers."""
    body: bytes
    """The raw body."""
    produced_at: int
    """When it was sent, in milliseconds since the Unix epoch; for a delayed one, when it fell due."""
    attempt: int
    """1 for the first delivery to this subscription, then one more each time."""
    correlation: str
    """The id of the message that began this flow."""
    causation: str | None
    """The id of the message whose handler sent this one; none at the beginning of a flow."""

    def require_key(self) -> str:
        """The key, for handlers that need one; raises `Reject` if there is none."""
        if self.key is None:
            raise Reject(
                f"a message of `{self.topic}` needs a key: send it with one, or give subscription "
                f"`{self.subscription}` a `key`"
            )
        return self.key


@dataclass
class Request(Received):
    """An HTTP request on a route of this plugin."""

    _MAPPINGS: ClassVar[tuple[str, ...]] = ("headers", "params")

    method: str
    """In upper case."""
    path: str
    """The path as it was asked for, without the query string."""
    params: dict[str, str]
    """Values of the route's `{parameters}`."""
    query: list[tuple[str, str]]
    """The query string's pairs, in their order."""
    headers: dict[str, str]
    """Names are in lower case."""
    body: bytes
    """The raw body."""

    def query_value(self, name: str) -> str | None:
        """The first value of the query string's `name`; none if it is not there."""
        return next((value for found, value in self.query if found == name), None)


@dataclass
class Half(Received):
    """A half message that is not settled."""

    id: str
    name: str
    """The name under which the handler prepared it."""
    scope_key: str
    """The key of that handler."""
    prepared_at: int
    """In milliseconds since the Unix epoch."""
    checks: int
    """How often the answer was that it is unknown."""
    topic: str
    key: str | None
    tag: str | None
    headers: dict[str, str]
    body: bytes
