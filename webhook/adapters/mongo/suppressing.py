"""What commits tell the suppression list: kept in the journal's entries, and written to the list when they are posted.

So a commit pays a few bytes for each bounce, not a write, and two commits about one address never meet.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import msgspec
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import Db, Document
from webhook.adapters.mongo.suppressions import write_changes
from webhook.domain.suppression import Changes

#: Entries of the list that one write concerns, at most.
GROUP = 200


def changes_document(changes: Changes) -> Document:
    """The changes as they are kept in the journal."""
    document: Document = msgspec.to_builtins(changes, builtin_types=(datetime,))
    return {name: told for name, told in document.items() if told}


def changes_of(document: Document) -> Changes:
    """The changes in an entry of the journal."""
    return msgspec.convert(document, Changes, builtin_types=(datetime,))


def write_to_list(
    db: Db, entries: Iterable[Document], session: ClientSession, now: datetime, breathe: Callable[[], None]
) -> None:
    """Writes what the journal's entries tell, in their order, in the caller's transaction."""
    for group in grouped(changes_of(entry["suppressions"]) for entry in entries if entry.get("suppressions")):
        write_changes(db, group, session, now)
        breathe()


def grouped(told: Iterable[Changes]) -> Iterator[Changes]:
    """The changes, united as far as none concerns an entry that an earlier one of the same group does."""
    united: Changes = Changes()
    seen: set[str] = set()
    for changes in told:
        concerned = {entry.id for entry in (*changes.add, *changes.lift, *changes.restated)}
        if not seen.isdisjoint(concerned) or len(seen) >= GROUP:
            yield united
            united, seen = Changes(), set()
        united = Changes(united.add + changes.add, united.lift + changes.lift, united.restated + changes.restated)
        seen |= concerned
    if seen:
        yield united
