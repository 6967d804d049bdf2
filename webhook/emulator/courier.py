"""Delivers posts as SNS does: many connections, three retries twenty seconds apart, and a 4xx counts as delivered.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from threading import Lock

import msgspec

from webhook.emulator.posts import Post
from webhook.emulator.schedule import Errand, Schedule
from webhook.emulator.target import Target
from webhook.emulator.topic import Signed, Topic


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often, and after how many seconds, a failed attempt is repeated; `timeout` bounds one attempt."""

    retries: int = 3
    delay: float = 20.0
    timeout: float = 15.0


class Outcome(StrEnum):
    """What became of a post. The first six were acknowledged; SNS sends none of them again."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    CONFIRMED = "confirmed"
    IGNORED = "ignored"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    GIVEN_UP = "given_up"

    @property
    def lost(self) -> bool:
        """Whether the endpoint does not have the message, and will not be asked again."""
        return self in {Outcome.REFUSED, Outcome.GIVEN_UP}


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer; status 0 means that there was none, and `text` why."""

    status: int
    text: str

    @property
    def delivered(self) -> bool:
        """By SNS's rule: any status from 200 to 499."""
        return 200 <= self.status < 500

    @property
    def outcome(self) -> Outcome:
        """What this last answer means."""
        if not self.delivered:
            return Outcome.GIVEN_UP
        return _outcome(self.text) if self.status < 300 else Outcome.REFUSED


class Delivery(msgspec.Struct, frozen=True):
    """A post whose fate is settled, after `attempts` attempts."""

    post: Post
    outcome: Outcome
    reply: Reply
    attempts: int


class Line:
    """One keep-alive connection to the endpoint, opened again whenever the other side closed it."""

    def __init__(self, target: Target, timeout: float) -> None:
        self._target = target
        self._connection: HTTPConnection = target.connect(timeout)

    def post(self, path: str, signed: Signed) -> Reply:
        """One attempt."""
        kept_open = self._connection.sock is not None
        try:
            return self._exchange(path, signed)
        except ConnectionError as error:
            # A server may close an idle connection just as we write on it; that is nobody's failed attempt.
            if not kept_open:
                return Reply(0, _said(error))
        except (OSError, HTTPException) as error:
            return Reply(0, _said(error))
        try:
            return self._exchange(path, signed)
        except (OSError, HTTPException) as error:
            return Reply(0, _said(error))

    def _exchange(self, path: str, signed: Signed) -> Reply:
        try:
            self._connection.request("POST", self._target.path_of(path), signed.body, signed.headers)
            response = self._connection.getresponse()
            return Reply(response.status, response.read(65536).decode(errors="replace"))
        except (OSError, HTTPException):
            self.close()
            raise

    def close(self) -> None:
        """Hang up; the next attempt connects anew."""
        self._connection.close()


class Courier:
    """Delivers once to one endpoint, over `connections` connections; `rate` limits new posts a second.

    `observe` is told every settled delivery, by one thread at a time, in the order of settling.
    """

    def __init__(
        self,
        target: Target,
        topic: Topic,
        policy: RetryPolicy,
        observe: Callable[[Delivery], None],
        *,
        connections: int = 16,
        rate: float | None = None,
    ) -> None:
        self._target = target
        self._topic = topic
        self._policy = policy
        self._observe = observe
        self._observing = Lock()
        self._connections = connections
        self._schedule = Schedule(rate)

    def deliver(self, posts: Iterable[Post]) -> None:
        """Post them all; returns when the fate of each is settled, or soon after `stop`."""
        self._schedule.fill(posts)
        with ThreadPoolExecutor(self._connections, thread_name_prefix="courier") as pool:
            riders = [pool.submit(self._ride) for _ in range(self._connections)]
            wait(riders, return_when=FIRST_EXCEPTION)
            self._schedule.stop()
        for rider in riders:
            rider.result()

    def stop(self) -> None:
        """Take up nothing more; what is under way is finished, what waits for a retry is dropped."""
        self._schedule.stop()

    def _ride(self) -> None:
        line = Line(self._target, self._policy.timeout)
        try:
            while (errand := self._schedule.take()) is not None:
                self._attempt(line, errand)
        finally:
            line.close()

    def _attempt(self, line: Line, errand: Errand) -> None:
        post = errand.post
        signed = errand.signed or self._topic.notification(
            post.payload, message_id=post.message_id, subject=post.subject, at=datetime.now(UTC)
        )
        reply = line.post(post.path, signed)
        if not reply.delivered and errand.attempt <= self._policy.retries:
            self._schedule.again(Errand(post, errand.attempt + 1, signed), self._policy.delay)
            return
        with self._observing:
            self._observe(Delivery(post, reply.outcome, reply, errand.attempt))
        self._schedule.settled()


class _Body(msgspec.Struct):
    status: str = ""


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(msgspec.json.decode(text, type=_Body).status)
    except (ValueError, msgspec.DecodeError):
        return Outcome.ACKNOWLEDGED


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
