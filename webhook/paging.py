"""Lists that are told page by page: a cursor is the place of the last item told, sealed so that nobody builds on it."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from webhook.errors import SentinelError

#: Items on a page unless asked otherwise, and at most.
LIMIT = 50
LIMIT_MAX = 500
_CURSOR_MAX = 4096

Item = dict[str, Any]


class BadCursor(SentinelError):
    """The cursor is not one that this list gave."""

    def __init__(self) -> None:
        super().__init__("not a cursor that this list gave; leave it out to start anew")


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """Some items of a list. Only a `next_cursor` of None ends the list: a page may be short."""

    items: list[Item]
    next_cursor: str | None


class Wanted(msgspec.Struct, frozen=True):
    """Which events are asked for; "" and None leave it open. Addresses compare without regard to case."""

    kind: str = ""
    recipient: str = ""
    since: datetime | None = None

    def covers(self, row: Item) -> bool:
        """Whether this row is asked for. What befell a mail as a whole befell each of its recipients."""
        return (
            (not self.kind or row["kind"] == self.kind)
            and (not self.recipient or row["recipient"] in (self.recipient, None))
            and (self.since is None or row["at"] >= self.since)
        )


def page_of(found: list[Item], limit: int, place: Callable[[Item], Sequence[Any]]) -> Page:
    """A page from one item more than it has room for; `place` says where an item stands in the list's order."""
    items = found[:limit]
    return Page(items, seal(place(items[-1])) if len(found) > limit else None)


def seal(place: Sequence[Any]) -> str:
    """The cursor of a place: texts, whole numbers and moments."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def unseal(cursor: str, *shape: type) -> list[Any]:
    """The place that a cursor stands for, its parts of these types; raises BadCursor."""
    try:
        if len(cursor) > _CURSOR_MAX:
            raise BadCursor
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        told: list[Any] = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=list[Any])
        if len(told) != len(shape):
            raise BadCursor
        place: list[Any] = [msgspec.convert(part, wanted) for part, wanted in zip(told, shape, strict=True)]
        return [_in_utc(part) if isinstance(part, datetime) else part for part in place]
    except (binascii.Error, msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise BadCursor from error


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise BadCursor
    return at.astimezone(UTC)
