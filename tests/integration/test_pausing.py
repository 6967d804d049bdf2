"""Pauses on a real MongoDB, carried to a fake SES over HTTP, by workers that may die or meet."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests.fakes.ses import INTERNAL, FakeSes
from tests.integration.conftest import Run
from tests.telling import NOW, Teller, payload
from webhook.adapters.mongo.audit import AuditTrail
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.documents import counts_of
from webhook.adapters.mongo.pauses import LEASE, Pauses, pause_of, write_policy_pauses
from webhook.adapters.mongo.verdicts import Judge
from webhook.adapters.ses.client import SesApi
from webhook.config import Settings
from webhook.domain.pausing import By, Carried, Pause, policy_pause
from webhook.domain.reputation import Policy
from webhook.errors import AwsError, Invalid, Limited, NotFound, Refused
from webhook.pausing import Pauser

pytestmark = pytest.mark.mongo
POLICY = Policy(Fraction("0.05"), Fraction("0.001"), Fraction("0.8"), 100, 1000, 1, 90)
COMMON = "everybodys"


class Watch:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def turn(self, **amount: float) -> None:
        self.at += timedelta(**amount)


class Arn:
    """A tenant of the recording switch."""

    def __init__(self, name: str) -> None:
        self.arn = f"arn:aws:ses:eu-north-1:123456789012:tenant/{name}/1"


class Recorder:
    """Plays `pausing.Switch`: writes down what it is told, and fails as it was told to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []
        self.errors: list[Exception] = []
        self.during: Callable[[], object] = lambda: None

    def get_tenant(self, name: str) -> Arn:
        return Arn(name)

    def put_tenant_status(self, arn: str, *, enabled: bool) -> None:
        self._note(arn, enabled)

    def put_configuration_set_sending(self, configuration_set: str, *, enabled: bool) -> None:
        self._note(configuration_set, enabled)

    def _note(self, name: str, enabled: bool) -> None:
        self.told.append((name, enabled))
        during, self.during = self.during, lambda: None
        during()
        if self.errors:
            raise self.errors.pop(0)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def switch() -> Recorder:
    return Recorder()


@pytest.fixture
def teller(database: Db, mongodb_uri: str) -> Teller:
    return Teller(database, Settings(mongodb_uri=mongodb_uri))


@pytest.fixture
def db(teller: Teller) -> Db:
    teller.db.emaildomains.insert_many(
        [
            {"domain": "a.example", "owner": "acme", "plan": "gold", "awsSes": {"configurationSet": "a-set"}},
            {"domain": "b.example", "owner": "other", "awsSes": {"tenant": "b", "configurationSet": "b-set"}},
            {"domain": "c.example", "awsSes": {"configurationSet": COMMON}},
            {"domain": "d.example", "awsSes": {"configurationSet": "two"}},
            {"domain": "e.example", "awsSes": {"configurationSet": "two"}},
        ]
    )
    return teller.db


@pytest.fixture
def pauser(db: Db, watch: Watch, switch: Recorder) -> Pauser:
    return pauser_of(db, watch, switch)


def pauser_of(db: Db, watch: Watch, switch: Any) -> Pauser:
    return Pauser(Pauses(db, Judge(db, POLICY).judge, watch.now), switch, watch.now, common_set=COMMON)


def stored(db: Db, domain: str = "a.example") -> dict[str, Any]:
    found = db.emaildomains.find_one({"domain": domain}, {"_id": 0})
    assert found is not None
    return found


def work(pauser: Pauser) -> int:
    """Works until there is nothing to do; gives the steps it took."""
    steps = 0
    while pauser.work():
        steps += 1
    return steps


# -- by persons


def test_a_pause_stands_at_once_with_who_why_and_when(db: Db, pauser: Pauser) -> None:
    told = pauser.pause("A.example.", "ops", " spam run ")
    expected = {"by": "staff", "who": "ops", "why": "spam run", "at": NOW, "carried": None}
    assert told["paused"] == stored(db)["paused"] == expected
    assert stored(db)["plan"] == "gold"


def test_pausing_again_is_the_same_and_another_word_takes_its_place(db: Db, pauser: Pauser, watch: Watch) -> None:
    first = pauser.pause("a.example", "ops", "spam")["paused"]
    watch.turn(minutes=1)
    assert pauser.pause("a.example", "ops", "spam")["paused"] == first
    assert pauser.pause("a.example", "dev", "phishing")["paused"]["who"] == "dev"
    rows = AuditTrail(db).find(domain="a.example").items
    assert [(row["action"], row["who"], row["why"]) for row in rows] == [
        ("domain.paused", "dev", "phishing"),
        ("domain.paused", "ops", "spam"),
    ]
    assert rows[0]["over"]["who"] == "ops"


def test_a_resume_ends_it_and_is_audited_with_the_numbers(db: Db, teller: Teller, pauser: Pauser) -> None:
    teller.traffic("a.example", sent=400, bounces=40)
    pauser.pause("a.example", "ops", "spam")
    told = pauser.resume("a.example", "dev", "list was cleaned")
    assert told["paused"] is stored(db)["paused"] is None
    resumed, paused = AuditTrail(db).find(domain="a.example").items
    assert (resumed["action"], resumed["who"], resumed["why"]) == ("domain.resumed", "dev", "list was cleaned")
    assert resumed["over"]["why"] == "spam"
    assert resumed["owner"] == paused["owner"] == "acme"
    assert paused["numbers"] == {
        "status": "flagged",
        "flags": ["bounce"],
        "sent": 400,
        "bounces": 40,
        "complaints": 0,
        "bounceRate": 0.1,
        "complaintRate": 0.0,
    }


def test_resuming_what_is_not_paused_changes_nothing(db: Db, pauser: Pauser) -> None:
    before = stored(db)
    assert pauser.resume("a.example", "ops", "just so") == before
    assert stored(db) == before
    assert AuditTrail(db).find().items == []


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_what_is_wrong_is_told_and_changes_nothing(db: Db, pauser: Pauser, action: str) -> None:
    change = getattr(pauser, action)
    with pytest.raises(Invalid, match="1 to 500 printable"):
        change("a.example", "ops", " ")
    with pytest.raises(NotFound, match=r"no domain 'x\.example'"):
        change("x.example", "ops", "spam")
    with pytest.raises(NotFound, match=r"no domain 'b\.example'"):
        change("b.example", "acme-key", "spam", "acme")
    assert AuditTrail(db).find().items == []


def test_an_owner_may_pause_his_own_and_end_that_alone(db: Db, pauser: Pauser) -> None:
    assert pauser.pause("a.example", "acme-key", "holidays", "acme")["paused"]["owner"] == "acme"
    assert pauser.resume("a.example", "acme-key", "back", "acme")["paused"] is None
    assert "freshStart" not in stored(db)
    pauser.pause("a.example", "ops", "spam")
    assert pauser.pause("a.example", "acme-key", "mine now", "acme")["paused"]["who"] == "ops"
    with pytest.raises(Refused) as caught:
        pauser.resume("a.example", "acme-key", "please", "acme")
    assert caught.value.code == "pause_not_yours"
    assert stored(db)["paused"]["who"] == "ops"


# -- the policy


def policy_pauses(db: Db, *domains: str, action: str = "pause") -> list[str]:
    """What the judge does in its transaction."""
    judge = Judge(db, POLICY)

    def write(session: Any) -> list[str]:
        asked = {one.domain: policy_pause(one, action) for one in judge.verdicts(domains, NOW, session)}
        return write_policy_pauses(db, {name: pause for name, pause in asked.items() if pause}, session)

    with db.client.start_session() as session:
        found: list[str] = session.with_transaction(write)
    return found


def test_the_policy_pauses_those_beyond_doubt_and_says_by_which_numbers(db: Db, teller: Teller) -> None:
    teller.traffic("a.example", sent=400, bounces=40)
    teller.traffic("b.example", sent=400, bounces=21)
    assert policy_pauses(db, "a.example", "b.example", action="none") == []
    assert policy_pauses(db, "a.example", "b.example") == ["a.example"]
    assert policy_pauses(db, "a.example", "b.example") == []
    paused = stored(db)["paused"]
    assert (paused["by"], paused["who"], paused["numbers"]["bounces"]) == ("policy", "policy", 40)
    assert "40 of 400 recipients bounced" in paused["why"]
    [row] = AuditTrail(db).find().items
    assert (row["action"], row["by"], row["numbers"]) == ("domain.paused", "policy", paused["numbers"])
    assert stored(db, "b.example").get("paused") is None


def test_staff_takes_over_from_the_policy_and_never_the_other_way(db: Db, teller: Teller, pauser: Pauser) -> None:
    teller.traffic("a.example", sent=400, bounces=40)
    policy_pauses(db, "a.example")
    assert pauser.pause("a.example", "ops", "looked at it")["paused"]["by"] == "staff"
    assert policy_pauses(db, "a.example") == []
    assert stored(db)["paused"]["why"] == "looked at it"


def test_after_a_resume_only_what_comes_on_top_is_judged(db: Db, teller: Teller, pauser: Pauser) -> None:
    teller.traffic("a.example", sent=400, bounces=40)
    policy_pauses(db, "a.example")
    told = pauser.resume("a.example", "ops", "list was cleaned")
    assert told["freshStart"]["day"] == NOW.date().isoformat()
    assert counts_of(told["freshStart"]["base"])["bounces"] == 40
    assert (told["reputation"]["status"], told["reputation"]["sent"]) == ("insufficient_data", 0)
    assert policy_pauses(db, "a.example") == []
    assert [flip["to"] for flip in db.flips.find({"domain": "a.example"})] == ["flagged", "insufficient_data"]


def test_what_waits_in_the_journal_at_a_resume_came_before_it(db: Db, teller: Teller, pauser: Pauser) -> None:
    from_before = [f"m{number}" for number in range(200)]
    pauser.pause("a.example", "ops", "spam")
    tell_bounces(teller, from_before)
    pauser.resume("a.example", "ops", "list was cleaned")
    teller.post()
    assert stored(db)["reputation"]["sent"] == 0
    tell_bounces(teller, [f"n{number}" for number in range(150)])
    teller.post()
    assert (stored(db)["reputation"]["sent"], stored(db)["reputation"]["status"]) == (150, "flagged")


def tell_bounces(teller: Teller, ids: list[str]) -> None:
    teller.tell(*(payload_of(kind, identity) for identity in ids for kind in ("Send", "Bounce")))


def payload_of(kind: str, identity: str) -> str:
    return payload(kind, identity, domain="a.example")


# -- carried to SES


CARRIED = [
    pytest.param("a.example", "configuration_set", "a-set", id="a configuration set of its own"),
    pytest.param("b.example", "tenant", "b", id="its tenant, whatever its configuration set"),
    pytest.param("c.example", "none", None, id="everybody's configuration set"),
    pytest.param("d.example", "none", None, id="a configuration set of two domains"),
]


@pytest.mark.parametrize(("domain", "carried", "to"), CARRIED)
def test_a_pause_is_carried_to_what_stops_that_domain_alone(
    db: Db, pauser: Pauser, switch: Recorder, domain: str, carried: str, to: str | None
) -> None:
    names = {"b": Arn("b").arn}
    told = [] if to is None else [(names.get(to, to), False)]
    pauser.pause(domain, "ops", "spam")
    assert work(pauser) == 1
    assert switch.told == told
    assert (stored(db, domain)["paused"]["carried"], stored(db, domain)["paused"]["carriedTo"]) == (carried, to)
    assert "pauseTask" not in stored(db, domain)
    pauser.resume(domain, "ops", "all well")
    assert work(pauser) == (0 if to is None else 1)
    assert switch.told == told + [(name, True) for name, _ in told]
    assert "pauseTask" not in stored(db, domain)


def test_a_resume_undoes_what_was_done_though_the_domain_has_changed(db: Db, pauser: Pauser, switch: Recorder) -> None:
    pauser.pause("a.example", "ops", "spam")
    work(pauser)
    db.emaildomains.update_one({"domain": "a.example"}, {"$set": {"awsSes": {"tenant": "new"}}})
    pauser.resume("a.example", "ops", "all well")
    work(pauser)
    assert switch.told == [("a-set", False), ("a-set", True)]


def test_a_pause_that_was_carried_stays_so_when_staff_takes_it_over(db: Db, pauser: Pauser, switch: Recorder) -> None:
    pauser.pause("a.example", "ops", "spam")
    work(pauser)
    pauser.pause("a.example", "dev", "phishing")
    assert work(pauser) == 0
    assert (stored(db)["paused"]["who"], stored(db)["paused"]["carried"]) == ("dev", "configuration_set")
    assert switch.told == [("a-set", False)]


def failure(code: str = "aws_internal", *, retryable: bool = True) -> AwsError:
    return AwsError(code, "SES could not", "wait", retryable=retryable, retry_after=10)


ERRORS = [
    pytest.param(failure(), 30, "aws_internal", id="AWS is out of order"),
    pytest.param(failure("aws_access_denied", retryable=False), 3600, "aws_access_denied", id="a right is missing"),
    pytest.param(Limited("no slot", 45), 45, "aws_throttled", id="no slot"),
]


@pytest.mark.parametrize(("error", "wait", "code"), ERRORS)
def test_what_ses_refuses_is_noted_and_tried_again(
    db: Db, pauser: Pauser, switch: Recorder, watch: Watch, error: Exception, wait: float, code: str
) -> None:
    switch.errors = [error]
    pauser.pause("a.example", "ops", "spam")
    assert work(pauser) == 1
    task = stored(db)["pauseTask"]
    assert (task["attempts"], task["error"]["code"], task["retryAt"]) == (1, code, NOW + timedelta(seconds=wait))
    assert stored(db)["paused"]["carried"] is None
    watch.turn(seconds=wait - 1)
    assert work(pauser) == 0
    watch.turn(seconds=1)
    assert work(pauser) == 1
    assert stored(db)["paused"]["carried"] == "configuration_set"
    assert switch.told == [("a-set", False)] * 2


def test_what_is_gone_at_ses_need_not_be_resumed(db: Db, pauser: Pauser, switch: Recorder) -> None:
    pauser.pause("a.example", "ops", "spam")
    work(pauser)
    switch.errors = [failure("aws_not_found", retryable=False)]
    pauser.resume("a.example", "ops", "all well")
    assert work(pauser) == 1
    assert "pauseTask" not in stored(db)


class Killed(BaseException):
    """The process dies here."""


def test_a_worker_that_dies_after_the_call_is_made_up_for(
    db: Db, pauser: Pauser, switch: Recorder, watch: Watch
) -> None:
    def die() -> None:
        raise Killed

    switch.during = die
    pauser.pause("a.example", "ops", "spam")
    with pytest.raises(Killed):
        pauser.work()
    assert work(pauser) == 0
    watch.at += LEASE
    assert work(pauser) == 1
    assert switch.told == [("a-set", False)] * 2
    assert stored(db)["paused"]["carried"] == "configuration_set"


def test_of_two_workers_one_gets_the_task(db: Db, watch: Watch) -> None:
    switches = [Recorder() for _ in range(4)]
    pausers = [pauser_of(db, watch, switch) for switch in switches]
    pausers[0].pause("a.example", "ops", "spam")
    pausers[0].pause("b.example", "ops", "spam")
    threads = [threading.Thread(target=work, args=(pauser,)) for pauser in pausers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = sorted(name for switch in switches for name, _ in switch.told)
    assert told == ["a-set", Arn("b").arn]


def test_a_resume_during_the_call_waits_for_its_end_and_has_the_last_word(
    db: Db, pauser: Pauser, switch: Recorder, watch: Watch
) -> None:
    other = Recorder()
    second = pauser_of(db, watch, other)

    def meanwhile() -> None:
        second.resume("a.example", "ops", "by mistake")
        assert work(second) == 0  # a call made now could be overtaken by the one under way

    switch.during = meanwhile
    pauser.pause("a.example", "ops", "spam")
    assert pauser.work()
    assert work(second) == 1
    assert (switch.told, other.told) == ([("a-set", False)], [("a-set", True)])
    assert (stored(db)["paused"], "pauseTask" in stored(db)) == (None, False)


def test_an_attempt_whose_lease_is_over_has_no_say_any_more(
    db: Db, pauser: Pauser, switch: Recorder, watch: Watch
) -> None:
    second = pauser_of(db, watch, Recorder())

    def meanwhile() -> None:
        watch.at += LEASE
        assert work(second) == 1

    switch.during = meanwhile
    switch.errors = [failure()]
    pauser.pause("a.example", "ops", "spam")
    assert pauser.work()
    assert stored(db)["paused"]["carried"] == "configuration_set"
    assert "pauseTask" not in stored(db)


def test_two_persons_at_once_leave_one_pause_and_a_row_for_each_that_stood(db: Db, watch: Watch) -> None:
    def press(who: str) -> None:
        pauser_of(db, watch, Recorder()).pause("a.example", who, "spam")

    threads = [threading.Thread(target=press, args=(who,)) for who in ("ops", "dev", "sue")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = AuditTrail(db).find(domain="a.example").items
    assert {row["who"] for row in rows} == {"ops", "dev", "sue"}
    assert sum("over" in row for row in rows) == 2
    assert stored(db)["paused"]["who"] in {"ops", "dev", "sue"}


# -- over HTTP


@pytest.fixture
def ses() -> Iterator[FakeSes]:
    with FakeSes(throttle=False) as fake:
        yield fake


def test_the_calls_are_those_that_ses_understands(db: Db, watch: Watch, ses: FakeSes) -> None:
    api = SesApi(
        region="eu-north-1",
        access_key_id="id",
        secret_access_key="key",
        endpoint_url=ses.origin,
        reserve=lambda *_, **__: 0.0,
        pause=lambda _: None,
    )
    ses.add_configuration_set("a-set")
    tenant = api.create_tenant("b")
    pauser = pauser_of(db, watch, api)
    try:
        for domain in ("a.example", "b.example"):
            pauser.pause(domain, "ops", "spam")
        ses.fail_next("PutConfigurationSetSendingOptions", INTERNAL)
        assert work(pauser) == 2
        watch.turn(minutes=2)
        assert work(pauser) == 1
        assert (ses.configuration_sets["a-set"], ses.tenant("b").status) == (False, "DISABLED")
        # The registration keeps the ARN as well, which saves the look-up.
        db.emaildomains.update_one({"domain": "b.example"}, {"$set": {"awsSes.tenantArn": tenant.arn}})
        for domain in ("a.example", "b.example"):
            pauser.resume(domain, "ops", "all well")
        assert work(pauser) == 2
        assert (ses.configuration_sets["a-set"], ses.tenant("b").status) == (True, "ENABLED")
    finally:
        api.close()


# -- the document and the trail


def test_a_pause_is_read_back_as_it_was_written(db: Db, pauser: Pauser) -> None:
    pauser.pause("a.example", "acme-key", "holidays", "acme")
    work(pauser)
    assert pause_of(stored(db)) == Pause(
        By.STAFF, "acme-key", "holidays", NOW, "acme", None, Carried.CONFIGURATION_SET, "a-set"
    )


@pytest.mark.parametrize("value", [None, False, "", {}])
def test_what_says_nothing_is_no_pause(value: object) -> None:
    assert pause_of({"paused": value}) is None


@pytest.mark.parametrize("value", [True, "yes", {"by": "someone"}])
def test_whatever_else_the_platform_may_have_put_there_is_the_staffs(value: object) -> None:
    pause = pause_of({"paused": value})
    assert pause is not None
    assert pause.by is By.STAFF


def test_the_trail_is_told_page_by_page(db: Db, pauser: Pauser) -> None:
    for number in range(5):
        pauser.pause("a.example", "ops", f"reason {number}")
    trail = AuditTrail(db)
    told, cursor = [], ""
    while cursor is not None:
        page = trail.find(domain="a.example", action="domain.paused", cursor=cursor, limit=2)
        told += [row["why"] for row in page.items]
        cursor = page.next_cursor
    assert told == [f"reason {number}" for number in reversed(range(5))]
    assert trail.find(domain="b.example").items == []


# -- the commands


def test_the_commands_pause_and_resume(db: Db, run: Run) -> None:
    code, out, _ = run("domains", "pause", "a.example", "--why", "spam")
    assert (code, out.startswith("paused a.example, by cli"), out.endswith(": spam\n")) == (0, True, True)
    assert stored(db)["paused"]["why"] == "spam"
    code, out, _ = run("domains", "resume", "a.example", "--why", "all well")
    assert (code, out.startswith("not paused a.example, judged by what comes since 20")) == (0, True)
    assert stored(db)["paused"] is None
    assert run("domains", "pause", "x.example", "--why", "spam")[0] == 1
    code, _, err = run("domains", "pause", "a.example", "--why", " ")
    assert code == 2
    assert "--why must say why, in 1 to 500 printable characters" in err
