"""What this plugin keeps under the message's key. A name has 1 to 256 bytes, a value at most 1 MiB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wasmill.host import host
from wasmill.values import UNSET, content, decode_json, encode_json, text

_PAGE_MAX = 1000


def get(name: str) -> bytes | None:
    """A value's bytes; none if it is absent."""
    return host.state_get(text(name, "state"))


def get_json(name: str) -> Any:
    """A value that `put_json` wrote; none if it is absent."""
    value = get(name)
    return None if value is None else decode_json(value)


def put(name: str, value: bytes | str) -> None:
    """Writes a value: bytes, or text as UTF-8."""
    host.state_put(text(name, "state"), content(value, UNSET, f"state {name}"))


def put_json(name: str, value: object) -> None:
    """Writes a value as JSON."""
    host.state_put(text(name, "state"), encode_json(value))


def delete(name: str) -> None:
    """Deletes a value; nothing happens if it is absent."""
    host.state_delete(text(name, "state"))


def scan(prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """All names that begin with `prefix` and their values, in byte order, read page by page."""
    page = host.state_scan(text(prefix, "prefix"), None, _PAGE_MAX)
    while page:
        yield from page
        page = host.state_scan(prefix, page[-1][0], _PAGE_MAX)
