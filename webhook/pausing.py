"""Pausing and resuming domains. Our own gate obeys at once; SES is told by the worker, until it has understood."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from webhook.domain.pausing import RETRY_MAX, By, Carried, Pause, Task, Want, check_resume, checked_why, retry_after
from webhook.domain.pausing import target as target_of
from webhook.errors import AwsError, Limited
from webhook.logs import get_logger

#: What comes of a document that the platform has put something unforeseen into.
_MALFORMED = (TypeError, AttributeError, KeyError, ValueError)

log = get_logger(__name__)

Document = dict[str, Any]


class Pauses(Protocol):
    """Keeps which domains are paused, with the audit trail of it. Raises Unavailable; NotFound for a foreign domain."""

    def pause(self, domain: str, pause: Pause, owner: str | None) -> tuple[Document, bool]:
        """The domain's document, and whether this pause was written."""

    def resume(
        self, domain: str, *, who: str, why: str, owner: str | None, check: Callable[[Pause], None]
    ) -> tuple[Document, bool]:
        """The same, after a resume; what `check` raises leaves all as it is."""

    def claim(self) -> Task | None:
        """Something that SES is to be told now; nobody else gets it while the lease lasts."""

    def carried(self, task: Task, carried: Carried, to: str | None) -> None:
        """SES was told, unless this attempt's lease is over and somebody else has taken it up."""

    def failed(self, task: Task, error: Document, wait: float) -> None:
        """SES was not told; again after so many seconds."""


class TenantLike(Protocol):
    """A tenant of SES's."""

    @property
    def arn(self) -> str:
        """Its name over all of AWS."""


class Switch(Protocol):
    """Lets SES send, or not. Raises AwsError, and Limited where a slot is too far away."""

    def get_tenant(self, name: str) -> TenantLike:
        """A tenant by its name."""

    def put_tenant_status(self, arn: str, *, enabled: bool) -> None:
        """Of all mail of a tenant."""

    def put_configuration_set_sending(self, configuration_set: str, *, enabled: bool) -> None:
        """Of all mail with a configuration set."""


class Pauser:
    """Pauses and resumes. `owner` is always whose domains may be touched: None all."""

    def __init__(
        self, pauses: Pauses, switch: Switch, now: Callable[[], datetime], *, common_set: str | None = None
    ) -> None:
        self._pauses = pauses
        self._switch = switch
        self._now = now
        self._common_set = common_set

    def pause(self, domain: str, who: str, why: str, owner: str | None = None) -> Document:
        """Pauses a domain by a person's wish, over a pause of the policy too; gives its document.

        Nothing changes if the same person said the same before, or if an owner pauses what is paused already.

        Raises:
            Invalid: `why` is empty or too long.
            NotFound: there is no such domain of that owner's.
        """
        wanted = Pause(By.STAFF, who, checked_why(why), self._now(), owner=owner)
        document, written = self._pauses.pause(domain, wanted, owner)
        if written:
            log.info("[EMAIL_DOMAIN] paused", domain=document["domain"], by=wanted.by.value, who=who)
        return document

    def resume(self, domain: str, who: str, why: str, owner: str | None = None) -> Document:
        """Lets a domain send again, whoever paused it, and judges it by what comes from now on; gives its document.

        Nothing changes if it is not paused.

        Raises:
            Invalid: `why` is empty or too long.
            NotFound: there is no such domain of that owner's.
            Refused: an owner must not lift a pause of the policy or of the platform's staff (`pause_not_yours`).
        """
        document, written = self._pauses.resume(
            domain, who=who, why=checked_why(why), owner=owner, check=lambda pause: check_resume(pause, owner)
        )
        if written:
            log.info("[EMAIL_DOMAIN] resumed", domain=document["domain"], who=who)
        return document

    def work(self) -> bool:
        """Tells SES of one pause or resume, if one is due; False if none was."""
        task = self._pauses.claim()
        if task is None:
            return False
        try:
            self._carry(task)
        except _MALFORMED as error:
            # One domain's document holds up nobody else's pause.
            why = f"{type(error).__name__}: {error}"
            told = {"code": "malformed", "detail": why, "hint": "look at the domain's document; it is tried hourly"}
            self._failed(task, why, told, RETRY_MAX)
        return True

    def _carry(self, task: Task) -> None:
        carried, to = target_of(task, self._common_set)
        try:
            self._tell(carried, to, enabled=task.want is Want.RESUMED)
        except AwsError as error:
            if error.code == "aws_not_found" and task.want is Want.RESUMED:
                self._done(task, carried, to)  # what is gone holds nothing back
            else:
                wait = retry_after(task.attempts, error.retry_after, retryable=error.retryable)
                told = {"code": error.code, "detail": error.detail, "hint": error.hint}
                self._failed(task, str(error), told, wait)
        except Limited as error:
            told = {"code": "aws_throttled", "detail": error.detail, "hint": "it is tried again by itself"}
            self._failed(task, str(error), told, error.retry_after)
        else:
            self._done(task, carried, to)

    def _tell(self, carried: Carried, to: str | None, *, enabled: bool) -> None:
        if carried is Carried.TENANT and to:
            arn = to if to.startswith("arn:") else self._switch.get_tenant(to).arn
            self._switch.put_tenant_status(arn, enabled=enabled)
        elif carried is Carried.CONFIGURATION_SET and to:
            self._switch.put_configuration_set_sending(to, enabled=enabled)

    def _done(self, task: Task, carried: Carried, to: str | None) -> None:
        self._pauses.carried(task, carried, to)
        log.info("[AWS SES] pause_carried", domain=task.domain, want=task.want.value, carried=carried.value)

    def _failed(self, task: Task, why: str, told: Document, wait: float) -> None:
        self._pauses.failed(task, told | {"at": self._now()}, wait)
        log.warning("[AWS SES] pause_not_carried", domain=task.domain, want=task.want.value, why=why, seconds=wait)
