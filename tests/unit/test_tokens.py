"""Tokens: how they are made and kept, who is let in, and who is slowed down."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from webhook.domain.tokens import ALL_SCOPES, ENTROPY, Bearer, Scope, TokenRecord, digest_of, minted, scopes_of
from webhook.errors import Conflict, Invalid, Limited, NotFound
from webhook.tokens import KEPT, NOTED_EVERY, REMEMBERED, Bearers, TokenDesk
from webhook.web.wrongtokens import ADDRESSES, PERIOD, TRIES, WrongTokens

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Time:
    """A clock that is told how late it is."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Memory:
    """A registry in memory that counts how often it is asked."""

    def __init__(self) -> None:
        self.records: dict[str, TokenRecord] = {}
        self.asked = 0

    def add(self, record: TokenRecord) -> None:
        if record.name in self.records:
            raise Conflict(record.name)
        self.records[record.name] = record

    def revoke(self, name: str, at: datetime) -> TokenRecord:
        if name not in self.records:
            raise NotFound(name)
        self.records[name] = structs.replace(self.records[name], revoked_at=at)
        return self.records[name]

    def all(self) -> list[TokenRecord]:
        return sorted(self.records.values(), key=lambda record: record.name)

    def find(self, digest: str) -> TokenRecord | None:
        self.asked += 1
        found = (record for record in self.records.values() if record.digest == digest and not record.revoked_at)
        return next(found, None)

    def any(self) -> bool:
        return any(not record.revoked_at for record in self.records.values())

    def note_use(self, name: str, at: datetime) -> None:
        self.records[name] = structs.replace(self.records[name], last_used_at=at)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def registry() -> Memory:
    return Memory()


@pytest.fixture
def desk(registry: Memory, time: Time) -> TokenDesk:
    drawn = iter(range(1_000_000))
    return TokenDesk(registry, time.now, lambda count: next(drawn).to_bytes(count, "big"), ["ops"])


@pytest.fixture
def bearers(registry: Memory, time: Time) -> Bearers:
    return Bearers([("ops", "s3cret")], registry, time.now, time.monotonic)


class TestMaking:
    def test_a_token_is_known_by_its_prefix_and_holds_all_its_random_bits(self) -> None:
        assert ENTROPY * 8 == 256
        assert re.fullmatch(r"sst_[\w-]{43}", minted(bytes(range(32))))
        assert minted(b"\0" * 32) != minted(b"\0" * 31 + b"\1")

    def test_only_its_digest_is_kept(self, desk: TokenDesk, registry: Memory) -> None:
        token, record = desk.create("shop", None, "read")
        assert record.digest == hashlib.sha256(token.encode()).hexdigest()
        assert token not in repr(registry.records)

    def test_it_is_owned_scoped_and_dated(self, desk: TokenDesk, time: Time) -> None:
        _, record = desk.create("shop", "acme", "send, READ")
        assert record.bearer == Bearer("shop", record.digest, frozenset({Scope.SEND, Scope.READ}), "acme")
        assert (record.created_at, record.last_used_at, record.revoked_at) == (time.now(), None, None)

    @pytest.mark.parametrize(
        ("name", "owner", "scopes", "field"),
        [
            ("", None, "read", "name"),
            ("a b", None, "read", "name"),
            ("ä", None, "read", "name"),
            ("n" * 65, None, "read", "name"),
            ("shop\n", None, "read", "name"),
            ("shop", "", "read", "owner"),
            ("shop", "acme;", "read", "owner"),
            ("shop", None, "", "scopes"),
            ("shop", None, "read,,send", "scopes"),
            ("shop", None, "all", "scopes"),
            ("shop", "acme", "read,admin", "scopes"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, desk: TokenDesk, registry: Memory, name: str, owner: str | None, scopes: str, field: str
    ) -> None:
        with pytest.raises(Invalid) as caught:
            desk.create(name, owner, scopes)
        assert caught.value.field == field
        assert registry.records == {}

    def test_a_name_is_used_once(self, desk: TokenDesk) -> None:
        desk.create("shop", None, "read")
        desk.revoke("shop")
        for name in ("shop", "ops"):
            with pytest.raises(Conflict):
                desk.create(name, None, "read")

    def test_scopes_are_what_they_say_and_none_implies_another(self) -> None:
        assert scopes_of("admin") == {Scope.ADMIN}
        assert scopes_of(",".join(Scope)) == ALL_SCOPES


class TestBearing:
    def test_tokens_of_the_settings_may_do_everything(self, bearers: Bearers, registry: Memory) -> None:
        found = bearers.bearer("s3cret")
        assert found == Bearer("ops", digest_of("s3cret"), ALL_SCOPES, None)
        assert registry.asked == 0

    @pytest.mark.parametrize(
        "token", ["", "s3cre", "s3cret ", "S3CRET", "ops", "\ud800", "sst_" + "x" * 43, "sst_", "x" * 10_000]
    )
    def test_a_wrong_token_is_nobodys(self, bearers: Bearers, desk: TokenDesk, token: str) -> None:
        desk.create("shop", None, "read")
        assert bearers.bearer(token) is None

    def test_a_made_token_is_looked_up_once_in_a_while(
        self, bearers: Bearers, desk: TokenDesk, registry: Memory, time: Time
    ) -> None:
        token, record = desk.create("shop", "acme", "read")
        for _ in range(10):
            assert bearers.bearer(token) == record.bearer
        assert registry.asked == 1
        time.seconds += REMEMBERED
        assert bearers.bearer(token) == record.bearer
        assert registry.asked == 2

    def test_a_revoked_token_gets_in_for_seconds_at_most(self, bearers: Bearers, desk: TokenDesk, time: Time) -> None:
        token, _ = desk.create("shop", None, "read")
        bearers.bearer(token)
        desk.revoke("shop")
        time.seconds += REMEMBERED - 0.1
        assert bearers.bearer(token) is not None
        time.seconds += 0.1
        assert bearers.bearer(token) is None
        assert bearers.bearer(token) is None

    def test_its_use_is_noted_now_and_then(
        self, bearers: Bearers, desk: TokenDesk, registry: Memory, time: Time
    ) -> None:
        token, _ = desk.create("shop", None, "read")
        noted = []
        for _ in range(2 * int(NOTED_EVERY / timedelta(minutes=1))):
            bearers.bearer(token)
            noted.append(registry.records["shop"].last_used_at)
            time.seconds += 60
        assert len(set(noted)) == 2
        assert noted[0] == NOW + timedelta(seconds=1000)

    def test_what_is_remembered_is_bounded(self, bearers: Bearers, desk: TokenDesk) -> None:
        tokens = [desk.create(f"t{number}", None, "read")[0] for number in range(12)]
        bearers._known.update({str(number): (0.0, Bearer("x", "x")) for number in range(KEPT)})
        for token in tokens:
            bearers.bearer(token)
        assert len(bearers._known) == KEPT

    def test_whether_anybody_may_use_the_api(self, registry: Memory, desk: TokenDesk, time: Time) -> None:
        nobody = Bearers([], registry, time.now, time.monotonic)
        assert not nobody.any()
        desk.create("shop", None, "read")
        assert nobody.any()
        desk.revoke("shop")
        assert not nobody.any()


class TestSlowing:
    def tries(self, wrong: WrongTokens, address: str, count: int) -> list[bool]:
        """Which of so many wrong tokens were answered at once."""
        passed = []
        for _ in range(count):
            try:
                wrong.note(address)
                passed.append(True)
            except Limited:
                passed.append(False)
        return passed

    def test_ten_in_a_minute_then_no_more(self, time: Time) -> None:
        wrong = WrongTokens(time.monotonic)
        assert self.tries(wrong, "192.0.2.1", TRIES + 3) == [True] * TRIES + [False] * 3

    def test_it_says_for_how_long(self, time: Time) -> None:
        wrong = WrongTokens(time.monotonic)
        self.tries(wrong, "192.0.2.1", TRIES)
        time.seconds += 20
        with pytest.raises(Limited) as caught:
            wrong.note("192.0.2.1")
        assert caught.value.retry_after == PERIOD - 20

    def test_it_ends_whatever_comes_meanwhile(self, time: Time) -> None:
        wrong = WrongTokens(time.monotonic)
        self.tries(wrong, "192.0.2.1", TRIES + 50)
        time.seconds += PERIOD
        assert self.tries(wrong, "192.0.2.1", TRIES + 1) == [True] * TRIES + [False]

    def test_others_are_not_concerned(self, time: Time) -> None:
        wrong = WrongTokens(time.monotonic)
        self.tries(wrong, "192.0.2.1", TRIES + 1)
        assert self.tries(wrong, "192.0.2.2", 1) == [True]

    def test_an_ipv6_network_is_one_address(self, time: Time) -> None:
        wrong = WrongTokens(time.monotonic)
        passed = [self.tries(wrong, f"2001:db8::{number}", 1)[0] for number in range(TRIES + 1)]
        assert passed == [True] * TRIES + [False]
        assert self.tries(wrong, "2001:db8:0:1::1", 1) == [True]

    def test_memory_is_bounded(self, time: Time) -> None:
        wrong = WrongTokens(time.monotonic)
        for number in range(ADDRESSES + 10):
            wrong.note(f"10.0.{number // 256}.{number % 256}")
        assert len(wrong._tried) == ADDRESSES
        assert self.tries(wrong, "unknown", 1) == [True]
