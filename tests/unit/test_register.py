"""What was taken is written down many at a time, and nothing of it is forgotten while the database is away."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from webhook.dispatching.courier import Register
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import Alert
from webhook.domain.deliveries import Attempt, Claim
from webhook.errors import Unavailable

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
Taken = tuple[Claim, Attempt]


def taken(number: int) -> Taken:
    alert = Alert(f"alt_{number}", AlertType.PAUSED, AT, "example.com", None, number, {})
    return Claim(f"alt_{number}/ep_1", alert, "ep_1", 1, 1, "token"), Attempt(1, AT, 9, 204)


class Book:
    """Deliveries that are away for a while."""

    def __init__(self, away: int = 0) -> None:
        self.away = away
        self.written: list[list[Taken]] = []

    def delivered_all(self, taken: Sequence[Taken]) -> int:
        if self.away:
            self.away -= 1
            raise Unavailable("MongoDB does not answer")
        self.written.append(list(taken))
        return len(taken)

    def delivered(self, claim: Claim, attempt: Attempt) -> bool:
        raise NotImplementedError(claim, attempt)

    def claim_all(self, turns: object) -> Sequence[Claim]:
        raise NotImplementedError(turns)

    def failed(
        self, claim: Claim, attempt: Attempt, retry_at: datetime | None, *, gone: bool, asked: float | None = None
    ) -> bool:
        raise NotImplementedError(claim, attempt, retry_at, gone, asked)

    def postponed(self, claim: Claim, attempt: Attempt, until: datetime) -> bool:
        raise NotImplementedError(claim, attempt, until)

    def strike_off(self) -> int:
        raise NotImplementedError

    def waiting(self) -> Sequence[str]:
        raise NotImplementedError


def test_all_that_came_in_is_one_write() -> None:
    book = Book()
    register = Register(book)
    register.write()
    assert book.written == []
    for number in range(3):
        register.add(*taken(number))
    register.write()
    register.write()
    assert book.written == [[taken(0), taken(1), taken(2)]]


def test_what_can_not_be_written_is_kept_in_its_order() -> None:
    book = Book(away=2)
    register = Register(book)
    register.add(*taken(0))
    for number in (1, 2):
        with pytest.raises(Unavailable):
            register.write()
        register.add(*taken(number))
    register.write()
    assert book.written == [[taken(0), taken(1), taken(2)]]
