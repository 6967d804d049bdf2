"""The one door to all services: who is asked what, what goes wrong on the way, and who answers."""

from collections.abc import Callable
from threading import RLock
from typing import Any, NamedTuple

from tests.fakes.aws.envelopes import notary
from tests.fakes.aws.moto_app import Moto
from tests.fakes.aws.permissions import Permissions
from tests.fakes.ses.errors import Refusal, unknown
from tests.fakes.ses.front import told, unreadable
from tests.fakes.ses.script import Failure, Reset, Script
from tests.fakes.ses.wire import Asked, Received, Reply, Unreadable, read, refuse


class Call(NamedTuple):
    """One call that arrived, by boto3's name of the service."""

    service: str
    operation: str


Answer = Callable[[Asked], dict[str, Any] | Reset]


class Gateway:
    """Takes every request; `answers` gives the fake's own answer to a call, or None if moto is to give it."""

    def __init__(self, moto: Moto, permissions: Permissions, answers: Callable[[Asked], Answer | None]) -> None:
        self.requests: list[Asked] = []
        self.script = Script()
        self._moto = moto
        self._permissions = permissions
        self._answers = answers
        self._lock = RLock()
        self._left: int | None = None
        self._done = False

    def kill_after(self, calls: int | None, *, done: bool) -> None:
        """See FakeAws."""
        with self._lock:
            self._left, self._done = calls, done

    def take(self, received: Received) -> Reply | Reset:
        """The answer; a test's own looks meet nothing that goes wrong."""
        if received.method == "GET" and received.target == f"/{notary().file_name}":
            return Reply(200, notary().certificate_pem, {"Content-Type": "application/x-pem-file"})
        try:
            asked = read(received)
        except Unreadable as error:
            return unreadable(error)
        return self._permitted(asked, received) if asked.by_test else self._tried(asked, received)

    def _tried(self, asked: Asked, received: Received) -> Reply | Reset:
        happening = self._cut(asked) or self.script.take(f"{asked.service} {asked.operation}")
        happening = happening or self.script.take(f"{asked.service} *")
        if isinstance(happening, Failure):
            return refuse(asked, happening)
        if isinstance(happening, Reset) and not happening.done:
            return happening
        reply = self._permitted(asked, received)
        return happening if isinstance(happening, Reset) else reply

    def _cut(self, asked: Asked) -> Reset | None:
        """Writes the call down, and breaks its connection if that is due."""
        with self._lock:
            self.requests.append(asked)
            if self._left is None:
                return None
            if self._left > 0:
                self._left -= 1
                return None
            done, self._done = self._done, False
            return Reset(done=done)

    def _permitted(self, asked: Asked, received: Received) -> Reply | Reset:
        try:
            if not asked.by_test:
                self._permissions.check(asked)
            return self._answered(asked, received)
        except Refusal as refusal:
            return refuse(asked, refusal.failure)

    def _answered(self, asked: Asked, received: Received) -> Reply | Reset:
        answer = self._answers(asked)
        if answer is not None:
            return told(asked, lambda: answer(asked))
        try:
            return self._moto.answer(asked, received)
        except NotImplementedError as error:
            raise unknown(f"{asked.service} {asked.operation}") from error
