"""Domains that are added, changed and removed, and what SES is yet to be told of them.

Whatever concerns the owners of one registrable domain touches its document in `claims`, so that two transactions about
`example.com` and `mail.example.com` never pass each other by. An intent is carried out by whoever holds its `claim`:
each writing checks it, so that who comes back from SES after somebody else took over changes nothing.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import pymongo
from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.collation import Collation, CollationStrength
from pymongo.errors import DuplicateKeyError

from webhook.adapters.mongo import handovers
from webhook.adapters.mongo.audit import audit_row, record
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.documents import owner_of
from webhook.adapters.mongo.domains import named, no_domain, owned_by
from webhook.adapters.mongo.identities import fields_of, known_of
from webhook.adapters.mongo.verifications import rows, write_history
from webhook.domain import ownership, registration
from webhook.domain.names import DomainName, parents
from webhook.domain.ownership import Admission, part
from webhook.domain.registration import Changed, Check, Intent, Task
from webhook.domain.ses import Identity
from webhook.domain.verification import Cause, CauseKind, Reading, apply
from webhook.errors import NotFound

#: Seconds one writing may take.
PATIENCE = 8
#: So long whoever took on an intent has it alone; who died leaves it to the others then.
LEASE = timedelta(seconds=60)
#: When a domain that was just set up is first looked at.
FIRST_CHECK = timedelta(seconds=30)
_TRIES = 5
ANY_CASE = Collation("en", strength=CollationStrength.SECONDARY)
_UNREGISTERED: Document = {"registered": False, "verificationStatus": "not_started", "verifiedForSending": False}
_ENDED: Document = {"intent": None, "claim": None, "retryAt": None, "attempts": 0}

T = TypeVar("T")


class Registrations:
    """Plays `registration.Registrations`."""

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now

    def admit(self, admission: Admission) -> tuple[Document, bool, Task | None]:
        """Adds the domain, or finds it: its document, whether it was added now, and the task if SES is to be asked now.

        Raises Refused if it is, or lies above or below, another owner's.
        """

        def write(session: ClientSession) -> tuple[Document, bool, Task | None]:
            self._touch(admission.name.registrable, session)
            now, name = self._now(), admission.name.name
            found = self._db.emaildomains.find_one({"domain": name}, {"_id": 0}, session=session)
            if found is None and self._db.emaildomains.find_one({"domain": name}, collation=ANY_CASE, session=session):
                raise ownership.taken(name)  # the platform wrote it in capitals; two documents would be two owners
            ownership.refuse_taken(admission, found)
            fields = registration.admitted(admission, found, now)
            created = "createdAt" in fields
            if created:
                owner = fields.get("owner", (found or {}).get("owner"))
                self._check_relatives(admission.name, owner, admission.asker, session)
                row = audit_row("domain.added", at=now, who=admission.who, domain=name, owner=owner)
                record(self._db, session, row)
                handovers.take_over(self._db, name, now, session)
            intended = self._intended(admission, part(found, "awsSes"), created=created)
            after = self._set(name, found, fields, intended, session)
            return after, created, _task(after) if "claim" in intended else None

        return self._in_transaction(write)

    def change(
        self,
        domain: str,
        changes: Mapping[str, object],
        *,
        who: str,
        owner: str | None,
        check: Check | None,
        parse: Callable[[str], DomainName],
    ) -> tuple[Document, Task | None]:
        """Writes these checked changes: the document, and the task if SES is to be told now.

        Raises NotFound, Refused if it would be another owner's relative, and what `check` raises.
        """

        def write(session: ClientSession) -> tuple[Document, Task | None]:
            found = self._require(domain, owner, session)
            if check:
                check(found)
            change = registration.changed(found, changes, self._now())
            if "owner" in change.fields:
                name = parse(found["domain"])
                self._touch(name.registrable, session)
                self._check_relatives(name, change.fields["owner"], owner, session)
            if "owner" in change.told:
                handovers.hand_over(self._db, found["domain"], session)
            if change.told:
                row = audit_row("domain.changed", at=self._now(), who=who, domain=found["domain"], owner=owner)
                record(self._db, session, {**row, "changes": change.told})
            intended = self._intended_by(change, part(found, "awsSes"))
            after = self._set(found["domain"], found, change.fields, {**change.aws, **intended}, session)
            return after, _task(after) if "attempts" in intended else None

        return self._in_transaction(write)

    def remove(
        self, domain: str, *, keep_identity: bool, who: str, owner: str | None, check: Check | None
    ) -> tuple[bool, Task | None]:
        """Removes the document, or intends to: whether it is gone, else the task if SES is to be told now.

        Raises NotFound, Refused if an owner would get rid of a pause that is not his, and what `check` raises.
        """

        def write(session: ClientSession) -> tuple[bool, Task | None]:
            found = self._require(domain, owner, session)
            if check:
                check(found)
            handovers.remove(self._db, found, owner, session)
            name, aws, now = found["domain"], part(found, "awsSes"), self._now()
            row = audit_row("domain.removed", at=now, who=who, domain=name, owner=found.get("owner"))
            record(self._db, session, {**row, "identityKept": keep_identity})
            if keep_identity or not registration.needs_deleting(aws):
                self._db.emaildomains.delete_one({"domain": name}, session=session)
                return True, None
            # What is about to be deleted must not be sent through meanwhile.
            intended = {**self._begun(Intent.DELETE, aws), "verifiedForSending": False}
            after = self._set(name, found, {}, intended, session)
            return False, _task(after) if "attempts" in intended else None

        return self._in_transaction(write)

    def claim(self) -> Task | None:
        """The intent that has been due the longest, ours for a lease; None if none is due."""
        now = self._now()
        query = {
            "awsSes.intent": {"$in": [intent.value for intent in Intent]},
            "$or": [{"awsSes.retryAt": {"$lte": now}}, {"awsSes.retryAt": None}],
        }
        update = {"$set": _below({"claim": str(ObjectId()), "retryAt": now + LEASE}), "$inc": {"awsSes.attempts": 1}}
        after = pymongo.ReturnDocument.AFTER
        order = [("awsSes.retryAt", pymongo.ASCENDING)]
        with database_errors():
            found = self._db.emaildomains.find_one_and_update(
                query, update, {"_id": 0}, sort=order, return_document=after
            )
        return _task(found) if found else None

    def asking(self, task: Task) -> bool:
        """Notes that an identity may come into being now; False if the task is no longer ours."""
        return self._write(task, {"unsure": True})

    def recorded(self, task: Task, identity: Identity, fields: Document, *, made: bool, ended: bool) -> Document | None:
        """Writes what SES said of the identity, with history; `ended` ends the intent. None if the task is not ours.

        A restart whose identity was `made` goes on as a registration: it must not be deleted again.
        """

        def write(session: ClientSession) -> Document | None:
            found = self._db.emaildomains.find_one(_held(task), {"_id": 0}, session=session)
            if found is None:
                return None
            now, aws = self._now(), part(found, "awsSes")
            reading = Reading.from_ses(identity, now)
            # Nobody else reads the identity while the intent stands, so this reading is the latest by right.
            known, changes = apply(known_of({**aws, "observed": None}), reading)
            kind = CauseKind.RESTART if task.intent is Intent.RESTART or aws.get("restarting") else CauseKind.REGISTERED
            read = fields_of(task.domain, known, now + FIRST_CHECK, aws)
            told = {**read, **fields, "registered": True, "unsure": False, "error": None, "missing": False}
            told |= {"configurationSet": identity.configuration_set}
            if made:
                told |= {"registeredAt": now, "intent": Intent.REGISTER.value, "restarting": kind is CauseKind.RESTART}
            elif not aws.get("registeredAt"):
                told["registeredAt"] = now
            if ended:
                told |= {**_ENDED, "restarting": False}
            write_history(self._db, rows(task.domain, now, changes, Cause(kind)), owner_of(found), session)
            return self._set(task.domain, found, {}, told, session)

        return self._in_transaction(write)

    def failed(self, task: Task, error: Document, wait: float, *, unsure: bool) -> Document | None:
        """Notes what was in the way, and when it is tried again; None if the task is not ours any more."""
        told: Document = {"error": error, "claim": None, "retryAt": self._now() + timedelta(seconds=wait)}
        if not unsure and not task.aws.get("unsure"):
            told["unsure"] = False
        self._write(task, told)
        return self.find(task.domain)

    def gone(self, task: Task) -> bool:
        """Removes the document, now that SES has no identity any more; False if the task is not ours any more."""
        with database_errors():
            return self._db.emaildomains.delete_one(_held(task)).deleted_count == 1

    def find(self, domain: str) -> Document | None:
        """The domain's document as it is."""
        with database_errors():
            return self._db.emaildomains.find_one({"domain": domain}, {"_id": 0})

    # -- within

    def _intended(self, admission: Admission, aws: Document, *, created: bool) -> Document:
        """What adding a domain sets below `awsSes`. One that others registered is looked at when it is added first."""
        if aws.get("intent") == Intent.DELETE:
            begun = self._begun(Intent.RESTART, aws)
        elif admission.register and registration.wants_registering(aws, self._now(), new=created):
            begun = self._begun(Intent.REGISTER, aws)
        else:
            return {} if aws else _UNREGISTERED
        adopt = {"adopt": True} if admission.asker is None else {}
        return {**({} if aws else _UNREGISTERED), **begun, **adopt}

    def _intended_by(self, change: Changed, aws: Document) -> Document:
        """What a change sets below `awsSes`. A restart applies it anyway, and what is deleted needs it no more."""
        concerned = aws.get("intent") == Intent.REGISTER or (aws.get("registered") and not aws.get("intent"))
        return self._begun(Intent.REGISTER, aws) if concerned and change.concerns_ses else {}

    def _begun(self, intent: Intent, aws: Document) -> Document:
        """An intent, ours at once. If somebody is at SES already, his claim ends, and it waits until his lease does."""
        now, claim = self._now(), str(ObjectId())
        begun: Document = {"intent": intent.value, "intentAt": now, "claim": claim}
        if registration.in_progress(aws, now):
            return begun
        return {**begun, "attempts": 1, "retryAt": now + LEASE}

    def _require(self, domain: str, owner: str | None, session: ClientSession) -> Document:
        query = {"domain": named(domain), **owned_by(owner)}
        found = self._db.emaildomains.find_one(query, {"_id": 0}, session=session)
        if found is None:
            raise no_domain(domain)
        if not ownership.is_known(found):
            raise NotFound(f"no domain {domain!r} was added: mail of it was heard of, and that is all")
        return found

    def _touch(self, registrable: str, session: ClientSession) -> None:
        """Has any other transaction about this registrable domain wait, or try again."""
        self._db.claims.update_one({"_id": registrable}, {"$inc": {"n": 1}}, upsert=True, session=session)

    def _check_relatives(self, name: DomainName, owner: str | None, asker: str | None, session: ClientSession) -> None:
        below = re.escape(f".{name.name}") + "$"
        query = {"$or": [{"domain": {"$in": list(parents(name))}}, {"domain": {"$regex": below}}]}
        found = self._db.emaildomains.find(query, session=session)
        ownership.refuse_relatives(name, owner, asker, found)

    def _set(
        self, domain: str, found: Document | None, fields: Document, aws: Document, session: ClientSession
    ) -> Document:
        """Sets paths of the document and below `awsSes`; gives the document as it then is."""
        whole = found is None or not isinstance(found.get("awsSes"), dict)
        below = {"awsSes": aws} if whole and aws else _below(aws)
        update = {**fields, **below}
        if update:
            self._db.emaildomains.update_one({"domain": domain}, {"$set": update}, upsert=True, session=session)
        return self._db.emaildomains.find_one({"domain": domain}, {"_id": 0}, session=session) or {}

    def _write(self, task: Task, fields: Document) -> bool:
        with database_errors():
            written = self._db.emaildomains.update_one(_held(task), {"$set": _below(fields)})
        return written.matched_count == 1

    def _in_transaction(self, work: Callable[[ClientSession], T]) -> T:
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            for _ in range(_TRIES):
                try:
                    return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)
                except DuplicateKeyError:  # two made the same document at once: now it is there
                    continue
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)


def _below(fields: Mapping[str, object]) -> Document:
    return {f"awsSes.{name}": value for name, value in fields.items()}


def _held(task: Task) -> Document:
    return {"domain": task.domain, "awsSes.claim": task.claim}


def _task(document: Document) -> Task:
    aws = document["awsSes"]
    return Task(
        domain=document["domain"],
        intent=Intent(aws["intent"]),
        claim=aws["claim"],
        lease=aws["retryAt"],
        attempts=aws.get("attempts") or 1,
        document=document,
    )
