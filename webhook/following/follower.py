"""The follower. One step makes at most one call to SES, since the account has one a second.

Hints, entries of the list and due dates only make us look; the state is what SES answers then.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook.domain.cadence import next_check
from webhook.domain.following import Followed, Recorded
from webhook.domain.ownership import part
from webhook.domain.verification import Cause, CauseKind, Reading, State, Verification
from webhook.errors import AwsError, Limited
from webhook.following.resting import Operation, Rests
from webhook.following.roles import Identities, Sweeps, Verifications
from webhook.following.sweeping import sweep
from webhook.logs import get_logger

#: A failed identity is set up afresh at most this often.
RESTART_EVERY = timedelta(days=1)
#: A domain that SES does not tell of is left alone so long.
PUT_OFF = timedelta(hours=1)
#: How often it is counted how many identities may change.
COUNT_EVERY = timedelta(minutes=5)
#: Said of the one domain that was asked for; any other error is taken to concern every call.
_OF_ONE_DOMAIN = frozenset({"aws_bad_request", "aws_not_found"})

#: What comes of a document that the platform has put something unforeseen into.
_MALFORMED = (TypeError, AttributeError, KeyError, ValueError)

log = get_logger(__name__)


def never_ready(_document: dict[str, Any]) -> bool:
    """Without a look at DNS only a person has a failed identity set up afresh."""
    return False


class Follower:
    """Reads identities. As many may run as you like: a change and its row are written once."""

    def __init__(
        self,
        ses: Identities,
        verifications: Verifications,
        sweeps: Sweeps,
        now: Callable[[], datetime],
        dns_ready: Callable[[dict[str, Any]], bool] = never_ready,
    ) -> None:
        self._ses = ses
        self._verifications = verifications
        self._sweeps = sweeps
        self._now = now
        self._dns_ready = dns_ready
        self._rests = Rests(sweeps.note)
        self._hints_first = True
        self._crowd, self._counted_at = 0, datetime.min.replace(tzinfo=UTC)

    def look(self, domain: str, cause: Cause) -> dict[str, Any]:
        """Reads the domain's identity now, and gives its `awsSes` as it then is.

        One that is not registered with SES, or is just being registered or deleted, is given as it is. One that has
        failed, or was deleted in SES, is set up afresh if a person asks.

        Raises:
            NotFound: no such domain.
            AwsError: SES does not tell; nothing changed.
            Limited: too many calls are waiting already.
            Unavailable: the database does not answer.
        """
        followed = self._verifications.find(domain)
        if followed is not None:
            self._read(followed, cause)
        return part(self._verifications.document(domain), "awsSes")

    def work(self) -> bool:
        """One step, with at most one call to SES; False if there is nothing to do for now. Raises Unavailable only.

        The sweep comes first: it is short. Hints and due domains take turns, so that a flood of the one leaves the
        other alone.
        """
        if self._attempt(Operation.LIST, self._sweep):
            return True
        for step in (self._hint, self._due) if self._hints_first else (self._due, self._hint):
            if self._attempt(Operation.READ, step):
                self._hints_first = step == self._due
                return True
        return False

    def _attempt(self, operation: Operation, step: Callable[[], bool]) -> bool:
        """Takes a step unless its operation rests; an error of AWS makes it rest."""
        if self._rests.resting(operation, self._now()):
            return False
        try:
            return step()
        except AwsError as error:
            self._rests.failed(operation, error, self._now())
            return True
        except Limited as error:
            self._rests.wait(operation, self._now() + timedelta(seconds=error.retry_after))
            return False

    def _sweep(self) -> bool:
        """Compares a page of the list of identities with what is known."""
        done = sweep(self._ses, self._sweeps, self._now)
        if done:
            self._rests.worked(Operation.LIST, self._now())
        return done

    def _hint(self) -> bool:
        """Looks into the hints about one domain."""
        hinted = self._verifications.next_hint(self._now())
        if hinted is None:
            return False
        followed = self._verifications.find(hinted.domain) if hinted.domain else None
        if followed is not None:
            self._follow(followed, hinted.cause, hinted.listed)
        self._verifications.seen(hinted, self._now())
        return True

    def _due(self) -> bool:
        """Reads a domain that is due."""
        followed = self._verifications.next_due(self._now())
        if followed is None:
            return False
        self._follow(followed, Cause(CauseKind.POLL))
        return True

    def _follow(self, followed: Followed, cause: Cause, listed: str = "") -> None:
        """Reads it; what SES has against this one domain only is noted there."""
        try:
            self._read(followed, cause, listed)
        except AwsError as error:
            if error.code not in _OF_ONE_DOMAIN:
                raise
            self._put_off(followed.domain, error)
        except _MALFORMED as error:
            # One domain's document keeps nobody from looking at the others.
            why, hint = f"{type(error).__name__}: {error}", "look at the domain's document; it is read hourly"
            self._put_off(followed.domain, AwsError("malformed", why, hint, retryable=False))
        else:
            self._rests.worked(Operation.READ, self._now())

    def _put_off(self, domain: str, error: AwsError) -> None:
        now = self._now()
        self._verifications.put_off(domain, error, now, now + PUT_OFF)
        log.warning("[AWS SES] domain_unreadable", domain=domain, code=error.code, why=error.detail)

    def _read(self, followed: Followed, cause: Cause, listed: str = "") -> None:
        # Taken before the call: the answer is at least as new, so of two readings the later one is the one believed.
        reading = self._ask(followed.domain, self._now())
        crowd = self._unsettled()

        def when(after: Verification) -> datetime:
            return next_check(followed.domain, after, crowd, self._now())

        recorded = self._verifications.record(followed, reading, cause, when, listed)
        if recorded is not None:
            _report(followed.domain, recorded)
            self._restart(followed.domain, recorded, asked=cause.kind is CauseKind.ASKED)

    def _ask(self, domain: str, at: datetime) -> Reading:
        try:
            return Reading.from_ses(self._ses.get_identity(domain), at)
        except AwsError as error:
            if error.code != "aws_not_found" or self._sweeps.doubtful():
                raise
            return Reading.gone(at)

    def _restart(self, domain: str, recorded: Recorded, *, asked: bool) -> None:
        """Has a failed identity set up afresh, if a person asks for it or the records are right by now."""
        state, since = recorded.known.identity, self._now() - RESTART_EVERY
        if state not in (State.FAILED, State.GONE) or recorded.restarted_since(since):
            return
        # Whoever deleted an identity in AWS may have meant it: that its records are still there does not undo it.
        wanted = asked or (state is State.FAILED and self._dns_ready(recorded.document))
        if wanted and self._verifications.restart(domain, self._now(), since):
            log.info("[AWS SES] restart_wanted", domain=domain, asked=asked)

    def _unsettled(self) -> int:
        now = self._now()
        if now >= self._counted_at + COUNT_EVERY:
            self._crowd, self._counted_at = self._verifications.unsettled(), now
        return self._crowd


def _report(domain: str, recorded: Recorded) -> None:
    """One line for each change; SES is believed even where it surprises."""
    for change in recorded.changes:
        line = log.warning if change.surprising else log.info
        line(
            "[AWS SES] verification_changed",
            domain=domain,
            aspect=change.aspect.value,
            was=change.source,
            now=change.target,
            cause=recorded.cause.kind.value,
        )
