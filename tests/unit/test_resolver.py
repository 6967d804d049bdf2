"""Look-ups that hang take up neither threads without end nor the places that others need."""

from collections.abc import Iterator
from threading import Event

import pytest

from webhook.adapters.outgoing import Resolver
from webhook.errors import Limited


class Names:
    """A look-up that hangs, until it is let go, for whatever is below `dead.example`."""

    def __init__(self) -> None:
        self.go = Event()
        self.begun: list[str] = []

    def __call__(self, host: str, _port: int) -> tuple[str, ...]:
        self.begun.append(host)
        if host.endswith("dead.example"):
            self.go.wait(30)
        return (f"192.0.2.{len(self.begun)}",)


@pytest.fixture
def names() -> Iterator[Names]:
    names = Names()
    yield names
    names.go.set()


def hang(resolver: Resolver, *hosts: str) -> None:
    for host in hosts:
        with pytest.raises(TimeoutError):
            resolver(host, 443, 0.001)


def test_dead_name_servers_of_one_domain_leave_the_places_of_others(names: Names) -> None:
    resolver = Resolver(names)
    hang(resolver, *(f"{number}.dead.example" for number in range(resolver.OF_ONE_DOMAIN)))
    with pytest.raises(Limited) as limited:
        resolver("one-more.dead.example", 443, 0.001)
    assert limited.value.detail == (
        "so many names are being looked up, without an answer yet, that one-more.dead.example has to wait"
    )
    assert resolver("well.example", 443, 30.0)
    assert len(names.begun) == resolver.OF_ONE_DOMAIN + 1
    names.go.set()
    assert resolver("one-more.dead.example", 443, 30.0)


def test_a_registered_domain_is_one_below_a_public_suffix(names: Names) -> None:
    resolver = Resolver(lambda host, _port: names("dead.example", 443) and names(host, 443))
    hang(resolver, *(f"{number}.customer.co.uk" for number in range(resolver.OF_ONE_DOMAIN)))
    hang(resolver, "somebody-else.co.uk")
    with pytest.raises(Limited):
        resolver("hooks.customer.co.uk", 443, 0.001)


def test_who_asks_for_the_same_host_waits_for_the_same_answer(names: Names) -> None:
    resolver = Resolver(names)
    hang(resolver, *["dead.example"] * (2 * resolver.OF_ONE_DOMAIN), "DEAD.example")
    assert names.begun == ["dead.example"]
    names.go.set()
    assert resolver("dead.example", 443, 30.0)


def test_all_of_them_together_are_bounded(names: Names) -> None:
    resolver = Resolver(names)
    hang(resolver, *(f"x.{number}dead.example" for number in range(resolver.HANGING)))
    with pytest.raises(Limited):
        resolver("well.example", 443, 0.001)
    assert len(names.begun) == resolver.HANGING
    names.go.set()
    assert resolver("well.example", 443, 30.0)


def test_what_can_not_be_looked_up_makes_room_again() -> None:
    def refuse(_host: str, _port: int) -> tuple[str, ...]:
        raise UnicodeError("label too long")

    resolver = Resolver(refuse)
    for _ in range(resolver.OF_ONE_DOMAIN + 1):
        with pytest.raises(OSError, match=r"odd\.example can't be looked up: label too long"):
            resolver("odd.example", 443, 30.0)
