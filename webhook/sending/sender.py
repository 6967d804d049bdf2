"""Sending a mail of a customer's domain: past the gate, at the account's pace, once, and counted at once."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from webhook.domain.gate import Gate, Refusal, Rules, decide
from webhook.domain.mime import ascii_domain
from webhook.domain.ownership import is_known
from webhook.domain.sending import Message, Sending, Stage, keyed_id
from webhook.domain.ses import Outgoing
from webhook.errors import AwsError, Invalid, Limited, NotFound, Refused, Unavailable
from webhook.logs import get_logger
from webhook.sending.booking import LEASE, Booking
from webhook.sending.ports import Account, Ledger, Mailer, Reserve, Suppressions

#: Seconds that a caller may be made to wait for the account's rate.
PATIENCE = 1.0
#: Seconds after which to come again where the day's quota is used up.
QUOTA_RETRY = 600.0

# After these nobody knows whether SES took the mail; all other answers of AWS are a plain no.
_OUTCOME_UNKNOWN = frozenset({"aws_timeout", "aws_internal", "aws_unreachable"})
_LIMITS = frozenset({"aws_throttled", "aws_limit_exceeded"})

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What sending is done with."""

    ledger: Ledger
    suppressions: Suppressions
    account: Account
    mailer: Mailer
    reserve: Reserve
    booking: Booking


class Sender:
    """Sends mail of known domains, if nothing speaks against it."""

    def __init__(
        self,
        means: Means,
        *,
        rules: Rules,
        configuration_set: str | None,
        now: Callable[[], datetime],
        pause: Callable[[float], None],
    ) -> None:
        self._means = means
        self._ledger = means.ledger
        self._rules = rules
        self._configuration_set = configuration_set
        self._now = now
        self._pause = pause

    def send(self, domain: str, message: Mapping[str, Any], who: str, owner: str | None = None, key: str = "") -> str:
        """Sends a mail of a domain and gives its SES message id.

        Args:
            domain: whose mail it is; the From address is there or at a sub-domain.
            message: the API's JSON, see `domain.sending.Message.from_json`.
            who: the token's name.
            owner: whose domains may be touched; None: all.
            key: if given, the same key of the same token sends once, however often it is asked for.

        Raises:
            Invalid: the message is wrong; names the field.
            NotFound: there is no such domain for this owner.
            Refused: by the gate (`domain.gate.Gate`), `send_outcome_unknown`, `idempotency_in_progress` (409) or
                `idempotency_key_reused` (422).
            Limited: at the account's rate or quota; nothing was sent.
            AwsError: SES refuses it; nothing was sent.
            Unavailable: the database does not answer; nothing was sent.
        """
        name = ascii_domain(domain)
        if not name:
            raise NotFound(f"no domain {domain[:100]!r}: it was never added")
        mail = Message.from_json(message, name)
        document, nearer = self._ledger.domain(name, mail.sender.domain, owner)
        for speaker in sorted(mail.speakers - {mail.sender.domain}):
            nearer = nearer or self._ledger.domain(name, speaker, owner)[1]
        sending = Sending(
            id=keyed_id(who, name, key) if key else self._ledger.new_id(),
            domain=name,
            who=who,
            recipients=mail.recipients,
            fingerprint=mail.fingerprint,
            at=self._now(),
            keyed=bool(key),
        )
        if key and is_known(document) and (message_id := self._done_before(sending)):
            return message_id
        self._check(name, document, {})
        if nearer:
            told = f"is at {nearer}, which was added as a domain of its own"
            raise Invalid("from", told, f"Send it with POST /api/email-domains/{nearer}/send.")
        self._check(name, document, self._means.suppressions.check(sorted(mail.recipients), name, owner))
        self._wait_for_slot(mail.count)
        # Again: waiting took its time, and who was paused or suppressed meanwhile was so before this was sent.
        document, _ = self._ledger.domain(name, mail.sender.domain, owner)
        self._check(name, document, self._means.suppressions.check(sorted(mail.recipients), name, owner))
        return self._carry_out(sending, self._outgoing(mail, document or {}))

    def _check(self, name: str, document: Mapping[str, Any] | None, suppressed: Mapping[str, Any]) -> None:
        refusal = decide(name, document, self._rules, suppressed)
        if refusal:
            log.info("[AWS SES] send_refused", domain=name, code=refusal.gate.value)
            raise _refused(refusal)

    def _done_before(self, sending: Sending) -> str:
        """The message id of a mail that was sent under this key, or "": it may be sent."""
        found = self._ledger.find(sending.id)
        if found is None:
            return ""
        if found.fingerprint != sending.fingerprint:
            hint = "Use a new key for each new mail, and the old one only to repeat the same mail."
            raise Refused("idempotency_key_reused", "This Idempotency-Key was used for another mail.", hint, 422)
        if found.stage is Stage.SENDING and found.at > sending.at - LEASE:
            raise _in_progress()
        if found.stage in (Stage.SENDING, Stage.UNKNOWN):
            raise _outcome_unknown("it was handed to SES, whose answer was lost")
        return found.message_id

    def _wait_for_slot(self, count: int) -> None:
        quota = self._means.account.quota()
        remaining, rate = quota["remaining"], quota["maxSendRate"]
        if remaining is not None and remaining < count:
            told = f"the account's quota of {quota['max24HourSend']:,.0f} recipients in 24 hours is used up"
            raise Limited(f"{told}: wait, or ask AWS for more", retry_after=QUOTA_RETRY)
        if rate is None:
            return
        if rate <= 0:
            raise Limited("SES allows this account no mail at all: look at its status", retry_after=QUOTA_RETRY)
        wait = self._means.reserve(f"ses:send:{quota['region']}", rate, patience=PATIENCE, count=count)
        if wait > 0:
            self._pause(wait)

    def _outgoing(self, mail: Message, document: Mapping[str, Any]) -> Outgoing:
        ses = document.get("awsSes") or {}
        to, cc, bcc, reply_to = (
            tuple(mailbox.written for mailbox in mailboxes) for mailboxes in (mail.to, mail.cc, mail.bcc, mail.reply_to)
        )
        return Outgoing(
            source=mail.sender.written,
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            raw=mail.raw,
            tags=mail.tags,
            configuration_set=ses.get("configurationSet") or self._configuration_set,
            tenant=ses.get("tenant") or None,
        )

    def _carry_out(self, sending: Sending, outgoing: Outgoing) -> str:
        sending = msgspec.structs.replace(sending, at=self._now())
        if not self._ledger.begin(sending):
            raise _in_progress()
        try:
            message_id = self._means.mailer.send(outgoing)
        except AwsError as error:
            raise self._failed(sending, error) from error
        log.info("[AWS SES] sent", domain=sending.domain, message_id=message_id, recipients=len(sending.recipients))
        self._means.booking.book(
            msgspec.structs.replace(sending, at=self._now(), stage=Stage.SENT, message_id=message_id)
        )
        return message_id

    def _failed(self, sending: Sending, error: AwsError) -> Exception:
        """What to tell the caller, once it is written down; if that fails it counts as unknown, to be safe."""
        if error.code in _OUTCOME_UNKNOWN:
            log.error("[AWS SES] send_outcome_unknown", sending=sending.id, domain=sending.domain, why=error.code)
            with suppress(Unavailable):
                self._ledger.unknown(sending, error.code)
            return _outcome_unknown(error.detail)
        log.warning("[AWS SES] send_failed", domain=sending.domain, code=error.code)
        with suppress(Unavailable):
            self._ledger.refused(sending, error.code)
        return Limited(error.detail, error.retry_after) if error.code in _LIMITS else error


def _refused(refusal: Refusal) -> Exception:
    if refusal.gate is Gate.UNKNOWN:
        return NotFound(refusal.detail)
    return Refused(refusal.gate.value, refusal.detail, refusal.hint)


def _in_progress() -> Refused:
    hint = "Wait for the first answer, or repeat the request in a minute."
    return Refused("idempotency_in_progress", "A mail with this Idempotency-Key is being sent at this moment.", hint)


def _outcome_unknown(why: str) -> Refused:
    hint = "See whether it shows among the domain's events; if not, send it again with another Idempotency-Key."
    return Refused("send_outcome_unknown", f"The mail may have been sent, or not: {why.rstrip('.')}.", hint)
