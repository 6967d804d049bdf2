"""Doing what was planned: step by step, each so that it can be cut off anywhere and done again."""

from collections.abc import Callable

from webhook.domain.blueprint import differences
from webhook.errors import AwsError, Limited, SentinelError
from webhook.setup.plans import Action, Plan, Step
from webhook.setup.roles import Handler, Site, Tell

#: How often a step is tried.
ATTEMPTS = 5
#: What Amazon says of something that was made a moment ago and is not known everywhere yet.
SETTLING = frozenset({"aws_not_found", "aws_bad_request"})
#: Seconds to wait for that, doubled each time, and the longest wait for anything.
SETTLE, LONGEST = 1.0, 65.0


class Stopped(SentinelError):
    """A step could not be done; those before it are. The message names it, and the fix."""

    def __init__(self, step: Step, place: str, cause: AwsError | Limited) -> None:
        what = f"{step.action} {step.resource.title} {step.resource.name} in {place}"
        told = str(cause).rstrip(".")
        super().__init__(f"Stopped at: {what}. {told}. Run the same command again: it goes on from there.")
        self.step = step
        self.cause = cause


class Applier:
    """Carries out plans."""

    def __init__(self, pause: Callable[[float], None], tell: Tell) -> None:
        self._pause = pause
        self._tell = tell

    def apply(self, plan: Plan, site: Site) -> None:
        """Does the steps of the plan in their order; raises Stopped. A plan with obstacles is not for this."""
        changes = plan.changes
        for number, step in enumerate(changes, 1):
            what = f"{step.action} {step.resource.title} {step.resource.name}"
            self._tell(f"{plan.place.region} {number}/{len(changes)}: {what}")
            try:
                self._persistently(step, site.handlers[step.resource.kind])
            except (AwsError, Limited) as error:
                raise Stopped(step, plan.place.region, error) from error

    def _persistently(self, step: Step, handler: Handler) -> None:
        """Tries again what may succeed by itself."""
        wait = SETTLE
        for left in reversed(range(ATTEMPTS)):
            try:
                _do(step, handler)
            except (AwsError, Limited) as error:
                if not left or not _passes(error):
                    raise
                seconds = wait if isinstance(error, AwsError) and not error.retryable else error.retry_after
                self._tell(f"  {error.detail}; again in {min(seconds, LONGEST):.0f} s")
                self._pause(min(seconds, LONGEST))
                wait *= 2
            else:
                return


def _passes(error: AwsError | Limited) -> bool:
    return isinstance(error, Limited) or error.retryable or error.code in SETTLING


def _do(step: Step, handler: Handler) -> None:
    resource, found = step.resource, step.found
    if step.action is Action.DELETE:
        if found:
            handler.delete(resource, found)
    elif found and step.action is Action.CHANGE:
        handler.update(resource, found, step.wrong)
    else:
        try:
            handler.create(resource)
        except AwsError as error:
            if error.code != "aws_already_exists":
                raise
            _mend(step, handler, error)


def _mend(step: Step, handler: Handler, cause: AwsError) -> None:
    """It was made after all, by a call whose answer got lost or by another of us; what it is must be right too."""
    found = handler.read(step.resource)
    if found is None or not (found.managed or step.resource.on):
        raise cause
    wrong = differences(step.resource.properties, found.properties)
    if wrong:
        handler.update(step.resource, found, wrong)
