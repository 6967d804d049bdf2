"""Verification as a state machine: what SES says of an identity, of its DKIM and of its MAIL FROM domain.

The latest reading decides, whatever order readings come in. The table below does not say what may happen, since SES is
the authority; it says which changes are the expected ones.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

import msgspec
from msgspec import Struct

from webhook.domain.ses import Identity

#: How long a verified domain whose records SES misses is still called verified, by SES's own last success.
GRACE = timedelta(hours=6)


class State(StrEnum):
    """What an identity, its DKIM or its MAIL FROM domain can be; all but `gone` are SES's own words."""

    NOT_STARTED = "not_started"
    PENDING = "pending"
    SUCCESS = "success"
    TEMPORARY_FAILURE = "temporary_failure"
    FAILED = "failed"
    #: Deleted in SES, not by us. Only an identity can be.
    GONE = "gone"


class Aspect(StrEnum):
    """What has a state of its own."""

    IDENTITY = "identity"
    DKIM = "dkim"
    MAIL_FROM = "mail_from"
    #: Whether SES lets the identity send; `enabled` or `disabled`.
    SENDING = "sending"


class CauseKind(StrEnum):
    """What made us look."""

    REGISTERED = "registered"
    ASKED = "asked"
    POLL = "poll"
    SWEEP = "sweep"
    HINT = "hint"
    RESTART = "restart"
    GONE = "gone"


class Cause(Struct, frozen=True):
    """Why a state was read: the kind, a few words, and the id of the hint if there was one."""

    kind: CauseKind
    detail: str = ""
    hint: str | None = None


class Move(StrEnum):
    """What going from one state to another is."""

    NONE = "none"
    EXPECTED = "expected"
    #: Believed like any other, and marked.
    SURPRISING = "surprising"


_NS, _P, _S, _T, _F, _G = State
_NO, _EX, _SU = Move

#: From each state to each other, in the order of `State`.
_ROWS: tuple[tuple[State, tuple[Move, ...]], ...] = (
    # We may meet an identity late: set up and verified by SES before our first look, which is no surprise. But whoever
    # has failed, or was verified once, has been there for days: somebody else made it.
    (_NS, (_NO, _EX, _EX, _SU, _SU, _SU)),
    # TEMPORARY_FAILURE is for what was verified once: then a success lay between two readings.
    (_P, (_SU, _NO, _EX, _SU, _EX, _SU)),
    # Back to PENDING: deleted and created again outside, with other DKIM tokens perhaps. Straight to FAILED: nobody
    # looked during the 72 hours of TEMPORARY_FAILURE that SES grants.
    (_S, (_SU, _SU, _NO, _EX, _SU, _SU)),
    # To PENDING as above; the two others are what SES promises: the records are back, or 72 hours are over.
    (_T, (_SU, _SU, _EX, _NO, _EX, _SU)),
    # FAILED is terminal in SES: only a fresh set-up leads out of it, and that begins with PENDING.
    (_F, (_SU, _EX, _SU, _SU, _NO, _SU)),
    # Created again, by us or by others; records that are still in place verify it at once.
    (_G, (_SU, _EX, _EX, _SU, _SU, _NO)),
)
_IDENTITY: dict[tuple[State, State], Move] = {
    (source, target): move for source, moves in _ROWS for target, move in zip(State, moves, strict=True)
}
#: A MAIL FROM domain may be taken off and set at any time without touching the identity, which starts it again.
_MAIL_FROM = {
    **_IDENTITY,
    **{(state, _NS): _EX for state in State if state is not _NS},
    **{(state, _P): _EX for state in State if state is not _P},
}
#: DKIM is taken off with the identity, and starts with it again.
_DKIM = {**_IDENTITY, **{(state, _NS): _EX for state in (_P, _S, _T, _F)}}

TRANSITIONS: Mapping[Aspect, Mapping[tuple[State, State], Move]] = {
    Aspect.IDENTITY: _IDENTITY,
    Aspect.DKIM: _DKIM,
    Aspect.MAIL_FROM: _MAIL_FROM,
}


class Reading(Struct, frozen=True, kw_only=True):
    """What SES answered when it was asked at `at`; milliseconds at the finest, as they are stored.

    `last_success` is SES's own time of the last successful check of the records, `error` its word for the last failure.
    """

    at: datetime
    identity: State
    dkim: State = State.NOT_STARTED
    mail_from: State = State.NOT_STARTED
    sending: bool = False
    last_success: datetime | None = None
    error: str | None = None
    mail_from_domain: str | None = None
    behavior: str | None = None
    dkim_tokens: tuple[str, ...] = ()
    hosted_zone: str = ""
    signing: bool = False

    @classmethod
    def from_ses(cls, identity: Identity, at: datetime) -> Self:
        """What SES said of the identity when it was asked at `at`."""
        return cls(
            at=stored(at),
            identity=State(identity.verification),
            dkim=State(identity.dkim_status),
            mail_from=State(identity.mail_from_status or State.NOT_STARTED) if identity.mail_from_domain else _NS,
            sending=identity.verified_for_sending,
            last_success=stored(identity.last_success) if identity.last_success else None,
            error=identity.error_type,
            mail_from_domain=identity.mail_from_domain,
            behavior=identity.behavior,
            dkim_tokens=identity.dkim_tokens,
            hosted_zone=identity.signing_hosted_zone,
            signing=identity.signing_enabled,
        )

    @classmethod
    def gone(cls, at: datetime) -> Self:
        """SES knows no such identity."""
        return cls(at=stored(at), identity=State.GONE)

    @property
    def rank(self) -> tuple[datetime, int, bytes]:
        """The latest reading is the one with the highest rank.

        Of two readings of the same moment the worse one counts: SES was changing just then, and the next reading
        will tell.
        """
        return self.at, _WORSE.index(self.identity), msgspec.json.encode(self)

    @property
    def in_grace(self) -> bool:
        """True if the records are missing, but not for long, and SES still lets the domain send."""
        return (
            self.identity is State.TEMPORARY_FAILURE
            and self.sending
            and self.last_success is not None
            and self.at - self.last_success < GRACE
        )

    def state(self, aspect: Aspect) -> str:
        """What this reading makes of an aspect: SES's word, but for the grace of one that was verified.

        SES gives no time of success for MAIL FROM, and needs none: mail is sent without it meanwhile.
        """
        if aspect is Aspect.SENDING:
            return "enabled" if self.sending else "disabled"
        said = {Aspect.IDENTITY: self.identity, Aspect.DKIM: self.dkim, Aspect.MAIL_FROM: self.mail_from}[aspect]
        grace = self.in_grace and said is State.TEMPORARY_FAILURE and aspect is not Aspect.MAIL_FROM
        return State.SUCCESS if grace else said


_WORSE = (_S, _P, _NS, _T, _F, _G)


def stored(at: datetime) -> datetime:
    """The moment as the database keeps it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


#: Made once: a sweep compares thousands.
_ENTRIES = {
    (state, sending): f"{state.value}/{'enabled' if sending else 'disabled'}"
    for state in State
    for sending in (False, True)
}


class Change(Struct, frozen=True):
    """One aspect went from one state to another."""

    aspect: Aspect
    source: str
    target: str
    surprising: bool


class Verification(Struct, frozen=True, kw_only=True):
    """What is known of an identity. `checks` counts readings since the last change.

    `states` are those last told of; `listed` is what the list of identities said when it last made us look in vain.
    """

    identity: State = State.NOT_STARTED
    dkim: State = State.NOT_STARTED
    mail_from: State = State.NOT_STARTED
    sending: bool = False
    reading: Reading | None = None
    changed_at: datetime | None = None
    checks: int = 0
    listed: str | None = None

    def state(self, aspect: Aspect) -> str:
        """The state of an aspect."""
        if aspect is Aspect.SENDING:
            return "enabled" if self.sending else "disabled"
        return {Aspect.IDENTITY: self.identity, Aspect.DKIM: self.dkim, Aspect.MAIL_FROM: self.mail_from}[aspect]


def apply(known: Verification, reading: Reading) -> tuple[Verification, tuple[Change, ...]]:
    """What is known after a reading, and which aspects that changes. An older reading than the known one is no news.

    The states are those of the reading with the highest rank ever applied: any order and any repetition of the same
    readings ends alike.
    """
    if known.reading is not None and reading.rank <= known.reading.rank:
        return known, ()
    changes = tuple(
        Change(aspect, known.state(aspect), reading.state(aspect), move is Move.SURPRISING)
        for aspect in Aspect
        if (move := move_of(aspect, known.state(aspect), reading.state(aspect))) is not Move.NONE
    )
    first = known.changed_at is None
    after = Verification(
        identity=State(reading.state(Aspect.IDENTITY)),
        dkim=State(reading.state(Aspect.DKIM)),
        mail_from=State(reading.state(Aspect.MAIL_FROM)),
        sending=reading.sending,
        reading=reading,
        changed_at=reading.at if changes or first else known.changed_at,
        checks=0 if changes else known.checks + 1,
        listed=known.listed if known.reading and said(known.reading) == said(reading) else None,
    )
    return after, changes


def move_of(aspect: Aspect, source: str, target: str) -> Move:
    """What going from one state of an aspect to another is. For sending any change is expected: SES decides."""
    if aspect is Aspect.SENDING:
        return Move.NONE if source == target else Move.EXPECTED
    return TRANSITIONS[aspect][State(source), State(target)]


def said(reading: Reading) -> str:
    """What a reading would look like in the list of identities; see `listing`."""
    return listing(reading.identity, sending=reading.sending)


def listing(identity: State, *, sending: bool) -> str:
    """An entry of the list of identities in one word, to be compared."""
    return _ENTRIES[identity, sending]


def differs(known: Verification, listed: str) -> bool:
    """True if the list of identities says something that is not known, and was not looked into in vain already.

    What nobody has read yet is due anyway.
    """
    return known.reading is not None and listed not in (said(known.reading), known.listed)


def note_listed(known: Verification, listed: str) -> Verification:
    """Remembers what the list said when it made us look, so that it does not make us look for the same again."""
    return msgspec.structs.replace(known, listed=listed) if listed else known
