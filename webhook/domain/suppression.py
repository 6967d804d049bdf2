"""Whom not to write to. What SES told is a pure function of a mail's facts, so no order of messages matters.

An entry stands for as long as one of its causes does: a mail that bounced, a complaint, a person who entered it. The
rules are told in docs/suppression.md.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from webhook.domain.address import domain_of, is_simulated, plain
from webhook.domain.counts import HELD_BACK, NOT_SPAM, PERMANENT
from webhook.domain.mail import Fact, Kind, Mail, Told
from webhook.domain.mime import ascii_domain
from webhook.errors import Invalid


class Reason(StrEnum):
    """Why nothing is to be sent to an address."""

    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    BOUNCE = "bounce"
    MANUAL = "manual"


class Scope(StrEnum):
    """Whose mail an entry holds back: that of one domain, of all domains of an owner, or everybody's."""

    DOMAIN = "domain"
    OWNER = "owner"
    ACCOUNT = "account"


#: How long what SES told holds, counted from when it happened; None: until a person removes it. Mailboxes are given to
#: others in time, whereas a complaint is the wish of a person. What a person enters holds until when that person says.
LIFETIME: Mapping[Reason, timedelta | None] = {
    Reason.BOUNCE: timedelta(days=180),
    Reason.COMPLAINT: None,
    Reason.UNSUBSCRIBE: None,
    Reason.MANUAL: None,
}
#: The bounces that say that a mailbox does not exist for anybody: `Suppressed` is SES's own list of such mailboxes.
#: `General` may as well be a server that refuses this sender or this mail (SES developer guide, "Bounce types").
FOR_EVERYBODY = frozenset({"NoEmail", "Suppressed"})
#: Causes that one entry keeps, those that hold longest.
CAUSES = 20
ADDRESS_MAX, NOTE_MAX = 320, 500
# What SES can send to: it takes only ASCII before the `@`, and domains in their ASCII form.
_ADDRESS = re.compile(
    r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f-\U0010ffff]{1,64}"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    re.ASCII | re.IGNORECASE,
)
_OWNER = re.compile(r"[\w.@-]{1,64}", re.ASCII)
_NEVER = datetime.max.replace(tzinfo=UTC)
_RANK = {reason: rank for rank, reason in enumerate(Reason)}


class Cause(Struct, frozen=True, gc=False, omit_defaults=True):
    """One ground for an entry. `mail` and `event`, or `by`, say where it came from.

    `event` is the kind of fact (`bounced`, `complained`), `subtype` SES's word for it; `listed` stands for as long as
    SES's own list has the address (see `suppression_sync`).
    """

    reason: Reason
    at: datetime
    expires_at: datetime | None = None
    mail: str = ""
    event: str = ""
    subtype: str = ""
    feedback_id: str = ""
    by: str = ""
    note: str = ""

    @property
    def id(self) -> tuple[str, str, str]:
        """What tells it from the entry's others: mail and report, that SES's own list has it, or else a person."""
        return (self.reason, self.mail, self.feedback_id) if self.mail else ("", "", self.event)

    @property
    def wish(self) -> tuple[Reason, datetime | None, str]:
        """What it asks for; a person who enters the same again changes nothing."""
        return self.reason, self.expires_at, self.note

    @property
    def source(self) -> dict[str, str]:
        """Where it came from, as it is shown: `{mail, event, subtype?, feedbackId?}`, or `{event?, by}`."""
        told = ("mail", self.mail), ("event", self.event), ("subtype", self.subtype), ("feedbackId", self.feedback_id)
        return {name: value for name, value in (*told, ("by", self.by)) if value}


class Entry(Struct, frozen=True, gc=False):
    """One cause at one place of the list. `where` is the domain or the owner, "" for the whole account."""

    address: str
    scope: Scope
    where: str
    cause: Cause

    @property
    def key(self) -> str:
        """The address as addresses compare."""
        return plain(self.address)

    @property
    def id(self) -> str:
        """The same for all causes at one place, and it does not tell the address."""
        return entry_id(self.key, self.scope, self.where)

    @property
    def told(self) -> tuple[str, ...]:
        """The same for all tellings of one cause at one place."""
        return self.key, self.scope, self.where, *self.cause.id


class Changes(Struct, frozen=True):
    """What news of mails changes in the list; `restated` are causes told with another time than before."""

    add: tuple[Entry, ...] = ()
    lift: tuple[Entry, ...] = ()
    restated: tuple[Entry, ...] = ()

    @property
    def empty(self) -> bool:
        """True of nearly all mails: nothing is to be done."""
        return not (self.add or self.lift or self.restated)


def entries_of(mail: Mail) -> tuple[Entry, ...]:
    """Whom this mail puts on the list: permanent bounces and complaints; nobody of SES's mailbox simulator.

    A complaint that its recipient took back (`not-spam`) is none, in whichever order the two were told. What SES itself
    held back tells nothing new.
    """
    kinds = {fact.kind for fact in mail.facts}
    bounces = _bounces(mail) if Kind.BOUNCED in kinds else ()
    entries = (*bounces, *(_complaints(mail) if Kind.COMPLAINED in kinds else ()))
    if len(entries) < 2:
        return entries
    # Of two tellings of one cause the later one holds longer; the subtype only makes it unambiguous.
    ordered = sorted(entries, key=lambda entry: (entry.told, entry.cause.at, entry.cause.subtype))
    return tuple({entry.told: entry for entry in ordered}.values())


def changes(*mails: tuple[Mail | None, Mail]) -> Changes:
    """What the list must learn from news of mails: of each, what was known (None: nothing) and what is now.

    What was known already is not added again: it may be that a person has removed it since.
    """
    add, lift, restated = list[Entry](), list[Entry](), list[Entry]()
    for old, new in mails:
        if old is None:
            add += entries_of(new)
            continue
        after, before = ({entry.told: entry for entry in entries_of(mail)} for mail in (new, old))
        add += (entry for told, entry in after.items() if told not in before)
        lift += (entry for told, entry in before.items() if told not in after)
        restated += (entry for told, entry in after.items() if told in before and entry != before[told])
    return Changes(tuple(add), tuple(lift), tuple(restated))


def settled(causes: Iterable[Cause], changed: Changes) -> tuple[Cause, ...]:
    """The causes of one entry after these changes of it, the one that holds longest first; none: the entry is gone.

    Changes that several commits made may be put together in any order: what one of them lifts stays lifted, since a
    mail's facts only grow.
    """
    standing = {cause.id: cause for cause in causes}
    for entry in changed.add:
        known = standing.get(entry.cause.id)
        if known is None or known.wish != entry.cause.wish:
            standing[entry.cause.id] = entry.cause
    standing |= {entry.cause.id: entry.cause for entry in changed.restated if entry.cause.id in standing}
    for entry in changed.lift:
        standing.pop(entry.cause.id, None)
    ranked = standing.values() if len(standing) < 2 else sorted(standing.values(), key=_lasting)
    return tuple(ranked)[:CAUSES]


def entry_id(key: str, scope: str, where: str) -> str:
    """The id of the entry of an address at a place; all of one address begin with its digest, and so stand together."""
    return f"{digest(key)}-{digest(scope, where)[:16]}"


@lru_cache(maxsize=8192)
def digest(*parts: str) -> str:
    """What tells these words from others, without telling them: 32 hexadecimal digits."""
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]


def _lasting(cause: Cause) -> tuple[timedelta, int, tuple[str, str, str]]:
    return _NEVER - (cause.expires_at or _NEVER), _RANK[cause.reason], cause.id


def _bounces(mail: Mail) -> Iterator[Entry]:
    for fact, told in mail.facts.items():
        if fact.kind != Kind.BOUNCED or fact.type != PERMANENT:
            continue
        address = _whom(mail, fact.who)
        # A forwarder's mailbox that is gone says nothing of the address it forwards from.
        everybody = fact.subtype in FOR_EVERYBODY and address == fact.who
        scope, where = (Scope.ACCOUNT, "") if everybody else (Scope.DOMAIN, mail.domain)
        if _enters(address):
            yield Entry(address, scope, where, _cause(mail, fact, told, Reason.BOUNCE))


def _complaints(mail: Mail) -> Iterator[Entry]:
    told_of = [(fact, told) for fact, told in mail.facts.items() if fact.kind == Kind.COMPLAINED]
    taken_back = [fact for fact, _ in told_of if fact.type == NOT_SPAM]
    whose = {_whom(mail, fact.code) for fact in taken_back} - {""}
    which = {fact.who for fact in taken_back}
    for fact, told in told_of:
        address = _whom(mail, fact.code)
        void = fact.type == NOT_SPAM or fact.subtype in HELD_BACK or address in whose or fact.who in which
        if not void and not is_simulated(fact.code) and _enters(address):
            yield Entry(address, Scope.DOMAIN, mail.domain, _cause(mail, fact, told, Reason.COMPLAINT))


def _whom(mail: Mail, named: str) -> str:
    """Whom news is about: an unknown address (a forwarder's, or none) stands for the only recipient if there is one."""
    if len(mail.recipients) == 1 and named not in mail.recipients:
        return next(iter(mail.recipients))
    return named


def _enters(address: str) -> bool:
    return bool(domain_of(address)) and not is_simulated(address)


def _cause(mail: Mail, fact: Fact, told: Told, reason: Reason) -> Cause:
    # A mailbox bounces once for each mail, however often and with whatever words that is told.
    feedback_id = fact.who if reason is Reason.COMPLAINT else ""
    lifetime = LIFETIME[reason]
    until = told.at + lifetime if lifetime else None
    return Cause(reason, told.at, until, mail.id, fact.kind, fact.subtype, feedback_id)


class NewEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a person wants on the list: for one domain, for all of an owner, or (neither given) for everybody."""

    address: str
    reason: str = Reason.MANUAL.value
    domain: str | None = None
    owner: str | None = None
    expires_at: datetime | None = None
    note: str | None = None


def entered(new: NewEntry, who: str, now: datetime) -> Entry:
    """The entry that a person makes; a second one at the same place takes the place of the first.

    Raises:
        Invalid: naming the field `address`, `reason`, `domain`, `owner`, `expiresAt` or `note`.
    """
    scope, where = _place(new)
    if new.reason not in list(Reason):
        raise Invalid("reason", f"must be one of {', '.join(sorted(Reason))}")
    note = (new.note or "").strip()
    if len(note) > NOTE_MAX or not note.isprintable():
        raise Invalid("note", f"must be printable text of at most {NOTE_MAX} characters")
    reason, until = Reason(new.reason), _until(new.expires_at, now)
    cause = Cause(reason=reason, at=now, expires_at=until, by=who, note=note)
    return Entry(checked_address(new.address), scope, where, cause)


def checked_address(text: str) -> str:
    """The address without blanks around it; raises Invalid unless SES could send to it."""
    address = text.strip()
    if len(address) > ADDRESS_MAX or len(domain_of(address)) > 253 or not _ADDRESS.fullmatch(address):
        hint = "a domain with other letters is written in its ASCII form, xn--…"
        raise Invalid("address", "must be one bare address like ann@example.com", hint)
    return address


def _place(new: NewEntry) -> tuple[Scope, str]:
    if new.domain and new.owner:
        raise Invalid("owner", "must be left out where a domain is given")
    if new.domain:
        domain = ascii_domain(new.domain)
        if not domain:
            raise Invalid("domain", "must be a domain like example.com")
        return Scope.DOMAIN, domain
    if new.owner and not _OWNER.fullmatch(new.owner):
        raise Invalid("owner", "must be 1 to 64 letters, digits or any of _ . @ -")
    return (Scope.OWNER, new.owner) if new.owner else (Scope.ACCOUNT, "")


def _until(at: datetime | None, now: datetime) -> datetime | None:
    if at is None:
        return None
    if at.tzinfo is None or not now < at < _NEVER - timedelta(days=1):
        raise Invalid("expiresAt", "must be a moment in the future, with its offset from UTC")
    return at.astimezone(UTC).replace(microsecond=0)
