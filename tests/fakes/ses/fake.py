"""The fake itself: its state, what tests do to it behind the scenes, and the server it runs on."""

import threading
from collections.abc import Callable
from typing import Any, Self

from tests.fakes.ses import errors
from tests.fakes.ses.account import Sent
from tests.fakes.ses.clock import SimulatedClock
from tests.fakes.ses.emitting import emit
from tests.fakes.ses.fates import Fate
from tests.fakes.ses.front import front
from tests.fakes.ses.identities import FakeIdentity
from tests.fakes.ses.operations import OPERATIONS
from tests.fakes.ses.script import Failure, Held, Reset, Script
from tests.fakes.ses.server import Server
from tests.fakes.ses.sets import FakeSet
from tests.fakes.ses.state import Call, Clock, State

#: Seconds by which two calls may be closer than a second: clocks are read to the millisecond.
TOLERANCE = 0.005
#: Calls that have a pace of their own.
UNPACED = frozenset({"SendEmail", "BatchGetMetricData"})


class FakeSes(State):
    """A fake SES on a free port of this machine, as a context manager; `origin` is its address.

    `throttle`: more than one call a second that is no send is answered 429, as AWS does, by the fake's clock.
    `origin`: somebody else serves it there, and asks `answer`. `emits`: what befalls the mails sent is published to the
    topics that are to hear of it; each is delivered, but for what `fates` says and the mailbox simulator's addresses.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        region: str = "eu-north-1",
        throttle: bool = True,
        port: int = 0,
        origin: str | None = None,
    ) -> None:
        self.simulated = SimulatedClock()
        super().__init__(clock or self.simulated, region)
        self.throttle = throttle
        self._script = Script()
        self._lock = threading.RLock()
        self.emits = True
        self.fates: dict[str, Fate | str] = {}
        #: How what takes time is done: at once, unless somebody has threads for it.
        self.later: Callable[..., Any] = lambda errand, *arguments: errand(*arguments)
        self._last = float("-inf")
        self._server = None if origin else Server(front(self.answer), port)
        self.origin = self._server.origin if self._server else str(origin)

    def __enter__(self) -> Self:
        if self._server:
            self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._script.clear()
        if self._server:
            self._server.stop()

    # -- the DNS, and whoever else works on the account

    def dns_appears(self, domain: str) -> None:
        """The DKIM records are in the DNS, and SES finds them at once."""
        self._change(domain, present=True)

    def dns_vanishes(self, domain: str) -> None:
        """The DKIM records are gone, and SES misses them at once."""
        self._change(domain, present=False)

    def mail_from_appears(self, domain: str) -> None:
        """The MX record of the domain's MAIL FROM domain is in the DNS."""
        self._change(domain, mail_from_present=True)

    def mail_from_vanishes(self, domain: str) -> None:
        """It is gone again."""
        self._change(domain, mail_from_present=False)

    def delete_outside(self, domain: str) -> None:
        """Somebody deletes the identity in the console."""
        with self._lock:
            del self.identities[domain]

    def create_outside(self, domain: str, *, verified: bool = False, tags: dict[str, str] | None = None) -> None:
        """Somebody made the identity before us, or behind our back."""
        with self._lock:
            told = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
            self.identities[domain] = FakeIdentity(domain, self.clock.now(), tags=told, present=verified)
            self.identities[domain].settle(self.clock.now())

    def add_configuration_set(self, name: str, *, sending: bool = True) -> None:
        with self._lock:
            self.sets[name] = FakeSet(name, {"SendingOptions": {"SendingEnabled": sending}})

    def status(self, domain: str) -> str:
        """VerificationStatus by now."""
        with self._lock:
            return self.identity(domain).dkim.status

    # -- what goes wrong

    def fail_next(self, operation: str, failure: Failure, times: int = 1) -> None:
        """The next such calls ("*": any) are answered like that, and not done."""
        self._script.add(operation, failure, times)

    def reset_next(self, operation: str, times: int = 1) -> None:
        """The connection breaks, and nothing is done."""
        self._script.add(operation, Reset(done=False), times)

    def lose_next_answer(self, operation: str, times: int = 1) -> None:
        """It is done, and the connection breaks before the answer."""
        self._script.add(operation, Reset(done=True), times)

    def hold_next(self, operation: str, *, done: bool = True) -> Held:
        """It is done (or not, `done`), and the answer held back until `release`: a time-out, if nobody releases it."""
        held = Held(done=done)
        self._script.add(operation, held)
        return held

    def recover(self) -> None:
        """Nothing goes wrong any more."""
        self._script.clear()

    # -- what was seen

    def taken(self, mail: Sent) -> None:
        if self.emits:
            self.later(self._emit, mail)

    def _emit(self, mail: Sent) -> None:
        with self._lock:
            emit(self, mail)

    @property
    def sent(self) -> list[Sent]:
        """The mails taken."""
        return self.account.sent

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The arguments of all calls of this operation, those included that failed."""
        return [call.asked for call in list(self.calls) if call.operation == operation]

    def _change(self, domain: str, **changes: bool) -> None:
        with self._lock:
            identity = self.identity(domain)
            for name, value in changes.items():
                setattr(identity, name, value)
            identity.settle(self.clock.now())

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any] | Reset:
        """What is answered; raises Refusal. One call at a time, but for those held back."""
        happening = self._script.take(operation)
        if isinstance(happening, Reset | Held) and not happening.done:
            self._note(operation, asked)
            answer: dict[str, Any] = {}
        else:
            answer = self._done(operation, asked, happening if isinstance(happening, Failure) else None)
        if isinstance(happening, Held):
            happening.wait()
        return happening if isinstance(happening, Reset) else answer

    def _note(self, operation: str, asked: dict[str, Any]) -> None:
        with self._lock:
            self.calls.append(Call(operation, self.clock.now(), asked))

    def _done(self, operation: str, asked: dict[str, Any], failure: Failure | None) -> dict[str, Any]:
        with self._lock:
            self._note(operation, asked)
            if operation not in UNPACED:
                self._keep_pace()
            if failure:
                raise errors.Refusal(failure)
            if operation not in OPERATIONS:
                raise errors.unknown(operation)
            return OPERATIONS[operation](self, asked)

    def _keep_pace(self) -> None:
        now = self.clock.now().timestamp()
        if self.throttle and now - self._last < 1 - TOLERANCE:
            raise errors.throttled()
        self._last = now
