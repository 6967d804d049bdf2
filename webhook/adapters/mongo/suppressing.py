"""What commits tell the suppression list: kept in the journal's entries, and written to the list when they are posted.

So a commit pays a few bytes for each bounce, not a write, and two commits about one address never meet.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec import structs
from pymongo import DeleteOne, InsertOne, ReplaceOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import Db, Document
from webhook.adapters.mongo.documents import mail_of
from webhook.domain.suppression import Cause, Changes, Entry, Scope, entries_of, settled

Write = InsertOne[Document] | ReplaceOne[Document] | DeleteOne

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


def write_changes(db: Db, changes: Changes, session: ClientSession, now: datetime) -> dict[str, int]:
    """Writes what news of mails changes in the list, in the caller's transaction; nothing to do for most.

    News may come late and in any order: the stored mail has the last word. Gives how many entries were `created`,
    `changed` and `removed`.
    """
    counted = {"created": 0, "changed": 0, "removed": 0}
    if changes.empty:
        return counted
    by_entry = _by_entry(structs.replace(changes, add=_still_told(db, changes.add, session)))
    found = db.suppressions.find({"_id": {"$in": sorted(by_entry)}}, session=session)
    stored = {document["_id"]: document for document in found}
    writes = []
    for identity, ours in sorted(by_entry.items()):
        before = stored.get(identity)
        after = _after(identity, before, ours, now)
        if after != before:
            name, write = _write(identity, before, after)
            counted[name] += 1
            writes.append(write)
    if writes:
        db.suppressions.bulk_write(writes, ordered=False, session=session)
    return counted


def _write(identity: str, before: Document | None, after: Document | None) -> tuple[str, Write]:
    if after is None:
        return "removed", DeleteOne({"_id": identity})
    return ("created", InsertOne(after)) if before is None else ("changed", ReplaceOne({"_id": identity}, after))


def _still_told(db: Db, added: Sequence[Entry], session: ClientSession) -> tuple[Entry, ...]:
    """What is added, without what the mails say no more, and as they say it now.

    Two processes may have told of one mail, and nothing says in which order their news is written here: without this
    a complaint could come after its own not-spam. Nearly all mails bounce last of all, and are not looked at; one that
    is gone can't contradict.
    """
    ids = sorted({entry.cause.mail for entry in added if entry.cause.mail})
    found = db.mails.find({"retold": {"$in": ids}}, session=session) if ids else ()
    retold = {document["_id"]: {entry.told: entry for entry in entries_of(mail_of(document))} for document in found}
    now = (retold.get(entry.cause.mail, {entry.told: entry}).get(entry.told) for entry in added)
    return tuple(entry for entry in now if entry)


def _by_entry(changes: Changes) -> dict[str, Changes]:
    """The changes of each entry, by its id."""
    sorted_out: dict[str, tuple[list[Entry], ...]] = {}
    for number, entries in enumerate((changes.add, changes.lift, changes.restated)):
        for entry in entries:
            sorted_out.setdefault(entry.id, ([], [], []))[number].append(entry)
    return {identity: Changes(*map(tuple, ours)) for identity, ours in sorted_out.items()}


def _after(identity: str, before: Document | None, changes: Changes, now: datetime) -> Document | None:
    """The document after these changes; None if there is none."""
    causes = settled(map(_cause_of, before["causes"] if before else ()), changes)
    if not causes:
        return None
    if before is None:
        first = changes.add[0]
        before = {
            "_id": identity,
            "address": first.address,
            "key": first.key,
            "scope": str(first.scope),
            "domain": first.where if first.scope is Scope.DOMAIN else None,
            "owner": first.where if first.scope is Scope.OWNER else None,
            "createdAt": now,
        }
    told = causes[0]
    return before | {
        "reason": str(told.reason),
        "source": told.source,
        "expiresAt": told.expires_at,
        "note": told.note or None,
        "causes": [_cause_document(cause) for cause in causes],
    }


def _cause_document(cause: Cause) -> Document:
    document: Document = msgspec.to_builtins(cause, builtin_types=(datetime,))
    return document


def _cause_of(document: Document) -> Cause:
    return msgspec.convert(document, Cause, builtin_types=(datetime,))
