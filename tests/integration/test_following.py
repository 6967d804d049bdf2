"""Following on a real MongoDB, with a server that behaves like SES: what is read, when, and what is written of it."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fakes.ses import ACCESS_DENIED, EXPIRED, INTERNAL, Failure, FakeSes
from tests.fakes.ses.clock import SimulatedClock
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.registrations import Registrations
from webhook.adapters.mongo.sweeps import Sweeps
from webhook.adapters.mongo.verifications import Verifications
from webhook.adapters.names import DomainNames
from webhook.adapters.ses import SesApi
from webhook.domain.ses import Identity, ListedPage
from webhook.domain.verification import Cause, CauseKind
from webhook.errors import AwsError, Limited, NotFound
from webhook.following import Follower, Identities
from webhook.registration import NewDomain, Registrar, Rules

DOMAIN = "example.com"
ASKED = Cause(CauseKind.ASKED, "by ann")


@pytest.fixture
def ses() -> Iterator[FakeSes]:
    with FakeSes(throttle=False) as fake:
        yield fake


@pytest.fixture
def clock(ses: FakeSes) -> SimulatedClock:
    return ses.simulated


@pytest.fixture
def api(ses: FakeSes) -> Iterator[SesApi]:
    api = SesApi(
        region="eu-north-1",
        access_key_id="AKIAEXAMPLE",
        secret_access_key="secret",
        endpoint_url=ses.origin,
        reserve=free,
        pause=lambda _: None,
    )
    yield api
    api.close()


def free(_bucket: str, _rate: float, **_more: float) -> float:
    """No pace: the clock stands still while something is done."""
    return 0.0


class Following:
    """A follower with all it stands on."""

    def __init__(self, database: Db, ses: FakeSes, api: Identities, clock: SimulatedClock) -> None:
        self.database = database
        self.ses = ses
        self.api = api
        self.clock = clock
        self.dns_ready = False
        self.follower = self.another()

    def another(self, api: Identities | None = None) -> Follower:
        """Another worker on the same database."""
        stores = Verifications(self.database), Sweeps(self.database)
        return Follower(api or self.api, *stores, self.clock.now, lambda _: self.dns_ready)

    def register(self, domain: str = DOMAIN, **more: Any) -> None:
        """As the registrar leaves it; SES knows the identity."""
        self.ses.create_outside(domain)
        self.insert(domain, **more)

    def insert(self, domain: str = DOMAIN, **more: Any) -> None:
        now = self.clock.now()
        state = {"registered": True, "registeredAt": now, "changedAt": now, "nextCheck": now, "intent": None}
        state |= {"verificationStatus": "pending", "dkimStatus": "pending", "verifiedForSending": False}
        self.database.emaildomains.insert_one({"domain": domain, "maxAccounts": 5, "awsSes": {**state, **more}})

    def rest(self) -> None:
        """Works until there is nothing to do."""
        for _ in range(100):
            if not self.follower.work():
                return
        raise AssertionError("it never rests")

    def later(self, **more: float) -> None:
        """Lets time pass, in few steps if it is much, and works after each."""
        end = self.clock.now() + timedelta(**more)
        step = timedelta(minutes=5) if timedelta(**more) < timedelta(hours=3) else timedelta(hours=1)
        while (left := end - self.clock.now()) > timedelta():
            self.clock.advance(min(left, step).total_seconds())
            self.rest()

    def state(self, domain: str = DOMAIN) -> dict[str, Any]:
        found = self.database.emaildomains.find_one({"domain": domain})
        assert found is not None
        state: dict[str, Any] = found["awsSes"]
        return state

    def history(self, aspect: str = "identity", domain: str = DOMAIN) -> list[tuple[str, str, str]]:
        """From, to, and the kind of cause, oldest first."""
        found = self.database.verifications.find({"domain": domain, "aspect": aspect}).sort([("at", 1), ("_id", 1)])
        return [(row["from"], row["to"], row["cause"]["kind"]) for row in found]

    def gapless(self) -> bool:
        """Whether each row of history begins where the one before ended."""
        history = self.history()
        return all(earlier[1] == later[0] for earlier, later in pairwise(history))

    def hint(self, identity: str, domain: str = DOMAIN, **more: Any) -> None:
        now = self.clock.now()
        document = {"_id": identity, "kind": "HealthReported", "domain": domain, "at": now, "detail": "AWS_SES_DKIM"}
        self.database.hints.insert_one({**document, "expires": now + timedelta(days=400), **more})

    def reads(self) -> int:
        return len(self.ses.asked("GetEmailIdentity"))


@pytest.fixture
def following(database: Db, ses: FakeSes, api: SesApi, clock: SimulatedClock) -> Following:
    return Following(database, ses, api, clock)


# -- the life of a domain


def test_pending_then_verified(following: Following) -> None:
    following.register()
    following.rest()
    state = following.state()
    assert (state["verificationStatus"], state["verifiedForSending"], state["missing"]) == ("pending", False, False)
    following.ses.dns_appears(DOMAIN)
    following.clock.advance(30)
    following.rest()
    state = following.state()
    assert (state["verificationStatus"], state["dkimStatus"], state["verifiedForSending"]) == (
        "success",
        "success",
        True,
    )
    assert state["changedAt"] == state["lastVerificationCheck"] == following.clock.now()
    assert state["dkimRecords"][0]["name"] == state["dkimTokens"][0]
    assert following.history() == [("pending", "success", "poll")]
    assert following.history("sending") == [("disabled", "enabled", "poll")]
    found = following.database.emaildomains.find_one({"domain": DOMAIN})
    assert found is not None
    assert found["maxAccounts"] == 5


def test_three_days_without_records_then_set_up_afresh_once_they_are_there(following: Following) -> None:
    following.register()
    following.later(hours=73)
    assert following.state()["verificationStatus"] == "failed"
    assert following.state()["intent"] is None
    following.dns_ready = True
    following.later(hours=27)
    assert following.state()["intent"] == "restart"
    # As the registrar carries it out:
    following.ses.delete_outside(DOMAIN)
    following.ses.create_outside(DOMAIN, verified=True)
    done = {"awsSes.intent": None, "awsSes.verificationStatus": "pending", "awsSes.nextCheck": following.clock.now()}
    following.database.emaildomains.update_one({"domain": DOMAIN}, {"$set": done})
    following.rest()
    assert following.history()[0][:2] == ("pending", "failed")
    assert following.history()[1:] == [("failed", "success", "poll")]


def test_records_lost_then_grace_then_failure(following: Following) -> None:
    following.register()
    following.ses.dns_appears(DOMAIN)
    following.later(hours=1)
    following.ses.dns_vanishes(DOMAIN)
    following.later(hours=5)
    state = following.state()
    assert (state["verificationStatus"], state["observed"]["identity"]) == ("success", "temporary_failure")
    following.later(hours=2)
    assert following.state()["verificationStatus"] == "temporary_failure"
    assert following.state()["verifiedForSending"] is True
    following.later(hours=70)
    assert following.state()["verificationStatus"] == "failed"
    assert [row[:2] for row in following.history()] == [
        ("pending", "success"),
        ("success", "temporary_failure"),
        ("temporary_failure", "failed"),
    ]
    assert following.history("sending")[-1][:2] == ("enabled", "disabled")


def test_deleted_outside_and_made_again(following: Following) -> None:
    following.register()
    following.ses.dns_appears(DOMAIN)
    following.later(hours=1)
    following.ses.delete_outside(DOMAIN)
    following.later(minutes=10)
    state = following.state()
    assert (state["missing"], state["verifiedForSending"], state["verificationStatus"]) == (True, False, "not_started")
    assert following.history()[-1] == ("success", "gone", "gone")
    assert len(state["dkimTokens"]) == 3
    reads = following.reads()
    following.later(hours=1)
    assert following.reads() == reads
    following.ses.create_outside(DOMAIN, verified=True)
    following.later(minutes=10)
    assert following.state()["missing"] is False
    assert following.history()[-1] == ("gone", "success", "sweep")


def test_mail_from_has_a_state_of_its_own(following: Following, api: SesApi) -> None:
    following.register()
    following.ses.dns_appears(DOMAIN)
    following.rest()
    api.put_mail_from(DOMAIN, "bounce.example.com")
    following.later(days=1.2)
    assert following.state()["mailFrom"] == {
        "domain": "bounce.example.com",
        "status": "pending",
        "behavior": "USE_DEFAULT_VALUE",
    }
    following.ses.mail_from_appears(DOMAIN)
    following.later(hours=2)
    assert following.history("mail_from") == [("not_started", "pending", "poll"), ("pending", "success", "poll")]


def test_a_domain_that_the_platform_registered_is_taken_on(following: Following) -> None:
    following.ses.create_outside(DOMAIN, verified=True)
    theirs = {"registered": True, "verificationStatus": "success", "dkimStatus": "success", "verifiedForSending": True}
    following.database.emaildomains.insert_one({"domain": DOMAIN, "awsSes": {**theirs, "plan": "gold"}})
    following.rest()
    assert following.state()["plan"] == "gold"
    assert following.state()["observed"]["identity"] == "success"
    assert following.history() == []


def test_the_history_s_last_row_is_the_state(following: Following) -> None:
    following.register()
    for happening in (following.ses.dns_appears, following.ses.dns_vanishes, following.ses.dns_appears):
        happening(DOMAIN)
        following.later(hours=8)
        state = following.state()
        assert following.history()[-1][1] == state["verificationStatus"]
        assert following.history("dkim")[-1][1] == state["dkimStatus"]
        assert following.history("sending")[-1][1] == ("enabled" if state["verifiedForSending"] else "disabled")


# -- looking on demand


def test_a_person_who_asks_is_told_at_once(following: Following) -> None:
    following.register()
    following.ses.dns_appears(DOMAIN)
    assert following.follower.look(DOMAIN, ASKED)["verificationStatus"] == "success"
    row = following.database.verifications.find_one({"aspect": "identity"})
    assert row is not None
    assert row["cause"] == {"kind": "registered", "detail": "asked: by ann"}
    assert row["expires"] > row["at"] + timedelta(days=399)


def test_who_asks_about_a_failed_domain_has_it_set_up_afresh_once_a_day(following: Following) -> None:
    following.register()
    following.later(hours=73)
    assert following.follower.look(DOMAIN, ASKED)["intent"] == "restart"
    following.database.emaildomains.update_one({"domain": DOMAIN}, {"$set": {"awsSes.intent": None}})
    following.clock.advance(hours=23)
    assert following.follower.look(DOMAIN, ASKED)["intent"] is None
    following.clock.advance(hours=2)
    assert following.follower.look(DOMAIN, ASKED)["intent"] == "restart"


def test_what_was_deleted_outside_comes_back_only_if_a_person_asks(following: Following) -> None:
    following.register()
    following.ses.delete_outside(DOMAIN)
    following.dns_ready = True
    following.later(hours=30)
    assert (following.state()["missing"], following.state()["intent"]) == (True, None)
    assert following.follower.look(DOMAIN, ASKED)["intent"] == "restart"


def test_a_domain_without_ses_is_left_alone(following: Following) -> None:
    following.database.emaildomains.insert_one({"domain": DOMAIN, "awsSes": {"registered": False}})
    following.database.emaildomains.insert_one({"domain": "example.org"})
    following.rest()
    assert following.follower.look(DOMAIN, ASKED) == {"registered": False}
    assert following.follower.look("example.org", ASKED) == {}
    assert following.reads() == 0


def test_a_domain_that_is_being_deleted_is_left_alone(following: Following) -> None:
    following.register(intent="delete")
    following.rest()
    assert following.follower.look(DOMAIN, ASKED)["intent"] == "delete"
    assert following.reads() == 0


def test_an_unknown_domain_is_not_found(following: Following) -> None:
    with pytest.raises(NotFound, match=r"example\.net"):
        following.follower.look("example.net", ASKED)


def test_who_asks_is_told_what_aws_said(following: Following) -> None:
    following.register()
    following.ses.fail_next("GetEmailIdentity", ACCESS_DENIED)
    with pytest.raises(AwsError, match="ses:GetEmailIdentity"):
        following.follower.look(DOMAIN, ASKED)
    assert "observed" not in following.state()


# -- hints


def test_many_hints_about_one_domain_cost_one_call(following: Following) -> None:
    following.register()
    following.rest()
    reads = following.reads()
    following.ses.dns_appears(DOMAIN)
    for number in range(50):
        following.hint(f"hint-{number}")
    following.clock.advance(1)
    following.rest()
    assert following.reads() == reads + 1
    assert following.database.hints.count_documents({"seenAt": following.clock.now()}) == 50
    assert following.history() == [("pending", "success", "hint")]


def test_hints_that_lead_nowhere_are_marked_without_a_call(following: Following) -> None:
    following.hint("tenant", domain="")
    following.hint("unknown", domain="example.net")
    following.rest()
    assert following.reads() == 0
    assert following.database.hints.count_documents({"seenAt": None}) == 0


def test_a_hint_that_comes_in_while_reading_is_looked_into_as_well(following: Following) -> None:
    following.register()
    following.rest()
    following.hint("first")
    inner = Between(following.api, lambda: following.hint("second"))
    follower = following.another(inner)
    assert follower.work()
    waiting = [hint["_id"] for hint in following.database.hints.find({"seenAt": None})]
    assert waiting == ["second"]


def test_a_flood_of_hints_leaves_fresh_domains_alone(following: Following) -> None:
    for number in range(30):
        following.register(f"{number}.example.com", nextCheck=following.clock.now() + timedelta(days=1))
        following.hint(f"hint-{number}", domain=f"{number}.example.com")
    following.register("fresh.example.com")
    for _ in range(4):
        following.follower.work()
    assert "observed" in following.state("fresh.example.com")


# -- the sweep


def test_the_sweep_finds_what_is_not_due(following: Following) -> None:
    following.register()
    following.ses.dns_appears(DOMAIN)
    following.later(hours=1)
    following.ses.identities[DOMAIN].dkim.status = "FAILED"
    following.later(minutes=6)
    assert following.history()[-1] == ("success", "failed", "sweep")


def test_pages_are_read_one_a_step_and_taken_up_by_another_worker(following: Following) -> None:
    pages = Paged(following.api, size=2)
    for number in range(5):
        following.register(f"{number}.example.com", nextCheck=following.clock.now() + timedelta(days=1))
        following.follower.look(f"{number}.example.com", ASKED)
    following.clock.advance(1)
    following.ses.delete_outside("0.example.com")
    following.ses.dns_appears("4.example.com")
    one, other = following.another(pages), following.another(pages)
    assert one.work()
    assert not other.work()  # leased
    assert len(pages.tokens) == 1
    following.clock.advance(90)  # one died
    assert other.work()
    assert other.work()
    assert pages.tokens[0] is None
    assert None not in pages.tokens[1:]
    following.rest()
    assert following.state("0.example.com")["missing"] is True
    assert following.state("4.example.com")["verificationStatus"] == "success"


def test_what_was_registered_during_a_sweep_is_not_missed(following: Following) -> None:
    pages = Paged(following.api, size=1)
    following.register("a.example.com", nextCheck=following.clock.now() + timedelta(days=1))
    following.register("b.example.com", nextCheck=following.clock.now() + timedelta(days=1))
    following.clock.advance(1)
    follower = following.another(pages)
    follower.work()
    following.clock.advance(1)
    following.insert("new.example.com", nextCheck=following.clock.now() + timedelta(days=1))
    follower.work()
    assert following.database.hints.count_documents({}) == 0


def test_a_list_that_says_otherwise_than_the_reading_makes_us_look_once(following: Following) -> None:
    following.register()
    following.rest()
    shouting = Shouting(following.api)
    follower = following.another(shouting)
    reads = following.reads()
    for _ in range(5):
        following.clock.advance(minutes=6)
        following.database.emaildomains.update_one({}, {"$set": {"awsSes.nextCheck": following.clock.now() + HOUR}})
        while follower.work():
            pass
    assert shouting.listed == 5
    assert following.reads() == reads + 1


def test_another_account_or_region_does_not_delete_everybody(following: Following) -> None:
    for number in range(30):
        following.insert(f"{number}.example.com")
    following.later(minutes=15)
    assert following.database.emaildomains.count_documents({"awsSes.missing": True}) == 0
    assert following.database.verifications.count_documents({}) == 0
    error = following.state("0.example.com")["error"]
    assert error["code"] == "aws_not_found"


def test_a_token_that_is_no_good_any_more_begins_the_sweep_again(following: Following) -> None:
    pages = Paged(following.api, size=1)
    for number in range(3):
        following.register(f"{number}.example.com", nextCheck=following.clock.now() + timedelta(days=1))
    follower = following.another(pages)
    follower.work()
    following.ses.fail_next("ListEmailIdentities", Failure("InvalidNextTokenException", 400, "The token has expired."))
    follower.work()
    follower.work()
    assert [token is None for token in pages.tokens] == [True, False, True]


# -- what AWS refuses


def test_what_aws_refuses_rests_and_is_noted_once(following: Following) -> None:
    following.register()
    following.ses.fail_next("*", EXPIRED, times=1000)
    following.later(hours=1)
    noted = following.database.settings.find_one({"_id": "following"})
    assert noted is not None
    assert noted["errors"]["list"]["code"] == "aws_bad_credentials"
    assert len(following.ses.calls) <= 26
    following.ses.recover()
    following.later(minutes=10)
    noted = following.database.settings.find_one({"_id": "following"})
    assert noted is not None
    assert noted["errors"]["list"] is None
    assert "observed" in following.state()


def test_without_credentials_it_says_so_once_and_idles(following: Following) -> None:
    api = SesApi(region="eu-north-1", endpoint_url=following.ses.origin, reserve=free, pause=lambda _: None)
    following.register()
    following.follower = following.another(api)
    with capture_logs() as lines:
        following.later(hours=1)
    assert [(line["log_level"], line["code"]) for line in lines] == [("warning", "aws_no_credentials")]
    assert following.ses.calls == []
    api.close()


def test_without_a_domain_at_ses_nothing_is_asked(following: Following) -> None:
    following.database.emaildomains.insert_one({"domain": DOMAIN, "awsSes": {"registered": False}})
    following.later(hours=1)
    assert following.ses.calls == []
    following.register("example.org")
    following.later(minutes=10)
    assert following.ses.asked("ListEmailIdentities")


def test_a_policy_without_the_list_leaves_the_readings(following: Following) -> None:
    following.register()
    following.ses.fail_next("ListEmailIdentities", ACCESS_DENIED, times=1000)
    following.ses.dns_appears(DOMAIN)
    following.later(minutes=10)
    assert following.state()["verificationStatus"] == "success"


def test_one_domain_that_ses_can_t_tell_of_does_not_hold_up_the_others(following: Following) -> None:
    following.register("bad.example.com", changedAt=following.clock.now() + timedelta(seconds=1))
    following.register()
    following.ses.fail_next("GetEmailIdentity", Failure("BadRequestException", 400, "Not this one."))
    following.rest()
    assert following.state("bad.example.com")["error"]["code"] == "aws_bad_request"
    assert "observed" in following.state()
    following.later(hours=1.1)
    assert following.state("bad.example.com")["error"] is None


def test_an_outage_of_ses_is_got_over(following: Following) -> None:
    following.register()
    following.ses.fail_next("*", INTERNAL, times=7)
    following.later(hours=1)
    assert "observed" in following.state()


def test_a_hint_survives_an_outage(following: Following) -> None:
    following.register()
    following.rest()
    following.ses.dns_appears(DOMAIN)
    following.hint("hint")
    following.ses.reset_next("GetEmailIdentity")
    following.follower.work()
    assert following.database.hints.count_documents({"seenAt": None}) == 1
    following.later(minutes=10)
    assert following.database.hints.count_documents({"seenAt": None}) == 0


def test_without_a_free_call_it_waits(following: Following) -> None:
    following.register()
    follower = following.another(Busy())
    assert not follower.work()
    with pytest.raises(Limited):
        follower.look(DOMAIN, ASKED)


# -- more than one worker


def test_two_workers_with_the_same_news_write_it_once(following: Following) -> None:
    following.register()
    following.ses.dns_appears(DOMAIN)
    barrier = threading.Barrier(2)
    followers = [following.another(Between(following.api, lambda: barrier.wait(20) and None)) for _ in range(2)]
    threads = [threading.Thread(target=follower.look, args=(DOMAIN, ASKED)) for follower in followers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert following.reads() == 2
    assert following.history() == [("pending", "success", "registered")]


def test_registered_failed_and_set_up_afresh_by_the_registrar(following: Following, api: SesApi) -> None:
    ensure_indexes(following.database)
    stores = Registrations(following.database, following.clock.now)
    registrar = Registrar(stores, api, DomainNames(), Rules(), now=following.clock.now, jitter=following.clock.jitter)
    registrar.add(NewDomain(DOMAIN), who="ann", owner=None)
    following.later(hours=73)
    assert following.follower.look(DOMAIN, ASKED)["intent"] == "restart"
    while registrar.work():
        pass
    following.ses.dns_appears(DOMAIN)
    following.clock.advance(31)
    following.rest()
    state = following.state()
    assert (state["intent"], state["verificationStatus"], state["verifiedForSending"]) == (None, "success", True)
    assert [row[1:] for row in following.history()] == [
        ("pending", "registered"),
        ("failed", "sweep"),
        ("pending", "restart"),
        ("success", "poll"),
    ]
    assert following.gapless()


def test_gone_and_made_again_by_the_registrar(following: Following, api: SesApi) -> None:
    ensure_indexes(following.database)
    stores = Registrations(following.database, following.clock.now)
    registrar = Registrar(stores, api, DomainNames(), Rules(), now=following.clock.now, jitter=following.clock.jitter)
    registrar.add(NewDomain(DOMAIN), who="ann", owner=None)
    following.later(hours=1)
    following.ses.delete_outside(DOMAIN)
    following.later(minutes=10)
    assert following.follower.look(DOMAIN, ASKED)["intent"] == "restart"
    while registrar.work():
        pass
    following.later(minutes=10)
    assert (following.state()["missing"], following.state()["verificationStatus"]) == (False, "pending")
    assert [row[1] for row in following.history()] == ["pending", "gone", "pending"]
    assert following.gapless()


def test_a_reading_from_before_a_restart_says_nothing_of_what_came_after(following: Following) -> None:
    following.register()
    following.later(hours=71)

    def restarted() -> None:
        later = {"awsSes.registeredAt": following.clock.now(), "awsSes.verificationStatus": "pending"}
        following.database.emaildomains.update_one({"domain": DOMAIN}, {"$set": later})

    following.clock.advance(hours=2)
    follower = following.another(Between(following.api, restarted))
    assert follower.look(DOMAIN, ASKED)["verificationStatus"] == "pending"
    assert following.history() == []


def test_a_domain_removed_while_it_was_read_stays_removed(following: Following) -> None:
    following.register()
    removed = Between(following.api, lambda: following.database.emaildomains.delete_one({"domain": DOMAIN}) and None)
    follower = following.another(removed)
    while follower.work():
        pass
    assert following.database.emaildomains.count_documents({}) == 0
    assert following.database.verifications.count_documents({}) == 0


HOUR = timedelta(hours=1)


class Between:
    """SES, with something happening between the answer and its arrival."""

    def __init__(self, api: Identities, happening: Callable[[], None]) -> None:
        self._api = api
        self._happening = happening

    def get_identity(self, domain: str) -> Identity:
        answer = self._api.get_identity(domain)
        self._happening()
        return answer

    def list_identities(self, token: str | None = None) -> ListedPage:
        return self._api.list_identities(token)


class Paged(Between):
    """SES, with small pages; the tokens asked for are kept."""

    def __init__(self, api: SesApi, size: int) -> None:
        super().__init__(api, lambda: None)
        self._pages = api
        self._size = size
        self.tokens: list[str | None] = []

    def list_identities(self, token: str | None = None) -> ListedPage:
        self.tokens.append(token)
        return self._pages.list_identities(token, size=self._size)


class Shouting(Between):
    """SES, whose list says that everybody may send."""

    def __init__(self, api: Identities) -> None:
        super().__init__(api, lambda: None)
        self.listed = 0

    def list_identities(self, token: str | None = None) -> ListedPage:
        self.listed += 1
        page = super().list_identities(token)
        items = tuple(type(item)(item.name, True, item.verification) for item in page.items)
        return ListedPage(items, page.next_token)


class Busy:
    """SES, with all calls taken."""

    def get_identity(self, domain: str) -> Identity:
        raise Limited(f"no call is free for {domain}: come again", 9)

    def list_identities(self, token: str | None = None) -> ListedPage:
        raise Limited(f"no call is free for {token}: come again", 9)


def test_a_step_makes_one_call_at_most(following: Following) -> None:
    for number in range(5):
        following.register(f"{number}.example.com")
        following.hint(f"hint-{number}", domain=f"{number}.example.com")
    before = len(following.ses.calls)
    while following.follower.work():
        assert len(following.ses.calls) - before <= 1
        before = len(following.ses.calls)
