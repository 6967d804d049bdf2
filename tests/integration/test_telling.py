"""What happens is told: the outbox has every change that is to be, by the write that makes it, and nothing else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from tests.alerting import START, Watch, endpoint, prepare
from tests.builders import RETENTION, bounce, complaint, effects_of, mail, send
from tests.integration.test_hostile_days import POLICY
from webhook.adapters.mongo.accounts import Accounts
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.optins import BELIEVE
from webhook.adapters.mongo.pauses import Pauses
from webhook.adapters.mongo.policing import policy_act
from webhook.adapters.mongo.rebuild import Rebuilder
from webhook.adapters.mongo.registrations import Registrations
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.verdicts import Judge
from webhook.adapters.mongo.verifications import Verifications
from webhook.domain.effects import Effects, Subscription
from webhook.domain.pausing import By, Pause
from webhook.domain.registration import Intent, Task
from webhook.domain.ses import AccountState, Identity, State
from webhook.domain.verification import Cause, CauseKind, Reading

pytestmark = pytest.mark.mongo

DOMAIN = "example.com"
#: Bounces of 1,000 mails that make a domain what it is called.
BOUNCES = {"healthy": 10, "warning": 45, "flagged": 60}


@pytest.fixture
def db(database: Db) -> Db:
    prepare(database)
    return database


@pytest.fixture
def watch() -> Watch:
    return Watch()


class Swinging:
    """A domain whose bounces go up and down, judged as its messages are."""

    def __init__(self, db: Db, watch: Watch, judge: Judge) -> None:
        self.db = db
        self.watch = watch
        self.journal = Journal(db, judge, watch.now)
        self.bounces = 0
        self.add(sent=1000)

    def become(self, status: str) -> None:
        """Moves the bounces, a minute later, and has the domain judged."""
        self.watch.go(minutes=1)
        self.add(bounces=BOUNCES[status] - self.bounces)
        self.bounces = BOUNCES[status]
        self.journal.post()
        found = self.db.emaildomains.find_one({"domain": DOMAIN})
        assert found is not None
        assert found["reputation"]["status"] == status

    def add(self, **n: int) -> None:
        """Has these numbers counted with the next posting."""
        place = {"domain": DOMAIN, "day": START.date().isoformat(), "n": n}
        self.db.journal.insert_one({"at": self.watch.at, "places": [place], "wirings": []})


@pytest.fixture
def domain(db: Db, watch: Watch) -> Swinging:
    db.emaildomains.insert_one({"domain": DOMAIN, "owner": "acme"})
    return Swinging(db, watch, Judge(db, POLICY, public_url="https://ses.example.net"))


def told(db: Db) -> list[str]:
    """The last word of each alert's type, in the order of their numbers."""
    return [row["type"].rpartition(".")[2] for row in db.alerts.find().sort([("sequence", 1), ("_id", 1)])]


# -- verdicts


def test_a_flag_is_told_with_its_numbers_its_owner_and_a_link(db: Db, domain: Swinging) -> None:
    domain.become("flagged")
    [alert] = db.alerts.find()
    stored = db.emaildomains.find_one({"domain": DOMAIN})
    assert stored is not None
    data = alert["data"]
    assert (alert["type"], alert["owner"], alert["sequence"]) == ("domain.reputation.flagged", "acme", 1)
    assert (data["reputation"]["bounces"], data["reputation"]["sent"]) == (60, 1000)
    assert data["sentence"] == stored["reputation"]["sentence"]
    assert data["previous"] == {"status": "insufficient_data", "flags": []}
    assert data["link"] == "https://ses.example.net/api/email-domains/example.com/reputation"
    assert alert["at"] == stored["reputation"]["evaluatedAt"] == db.flips.find_one()["at"]
    domain.become("warning")
    assert told(db) == ["flagged"]
    assert stored["alerting"]["told"] == "flagged"


TO_AND_FRO = [
    pytest.param(["warning", "flagged"], ["warning", "flagged"], id="between warning and flagged"),
    pytest.param(["healthy", "warning"], ["warning", "recovered", "warning"], id="between healthy and warning"),
    pytest.param(["healthy", "flagged"], ["flagged", "recovered", "flagged"], id="between healthy and flagged"),
    pytest.param(
        ["healthy", "warning", "flagged", "warning"],
        ["warning", "flagged", "recovered", "warning", "flagged"],
        id="through warning",
    ),
]


@pytest.mark.parametrize(("swing", "alerts"), TO_AND_FRO)
def test_a_domain_that_swings_a_hundred_times_is_told_of_as_often_as_documented(
    db: Db, domain: Swinging, swing: list[str], alerts: list[str]
) -> None:
    for number in range(100):
        domain.become(swing[number % len(swing)])
    assert db.flips.count_documents({}) == 100
    assert told(db) == alerts


def test_what_the_platform_put_into_our_fields_holds_up_no_verdict(db: Db, domain: Swinging) -> None:
    db.emaildomains.update_one({"domain": DOMAIN}, {"$set": {"owner": ObjectId(), "alerting": "by mail"}})
    domain.become("flagged")
    [alert] = db.alerts.find()
    assert (alert["type"], alert["owner"]) == ("domain.reputation.flagged", None)


class Death(Exception):
    """Stands for a process that ends here."""


@pytest.mark.parametrize("dies_at", ["flips", "journal"])
def test_flip_and_alert_are_one_write(db: Db, watch: Watch, domain: Swinging, dies_at: str) -> None:
    def die(*_: Any) -> None:
        if dies_at == "flips":
            raise Death

    class DyingJournal(Journal):
        def _post(self, session: ClientSession, limit: int, breathe: Callable[[], None]) -> Any:
            super()._post(session, limit, breathe)
            raise Death

    domain.become("healthy")
    domain.journal = DyingJournal(db, Judge(db, POLICY, die), watch.now)
    before = db.emaildomains.find_one()
    with pytest.raises(Death):
        domain.become("flagged")
    assert db.emaildomains.find_one() == before
    assert (told(db), db.flips.count_documents({}), db.alertsequences.count_documents({})) == ([], 1, 0)
    Journal(db, Judge(db, POLICY), watch.now).post()
    assert told(db) == ["flagged"]
    assert db.flips.count_documents({"to": "flagged"}) == 1


class Commands(CommandListener):
    """Takes down which commands were sent to which collections."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append((event.command_name, event.command.get(event.command_name)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


def test_where_nothing_is_to_be_told_it_costs_nothing(db: Db, watch: Watch, mongod_uri: str, domain: Swinging) -> None:
    domain.become("healthy")
    commands = Commands()
    with MongoClient[dict[str, Any]](mongod_uri, tz_aware=True, event_listeners=[commands]) as client:
        watched = client[db.name]
        store = MongoStore(watched, RETENTION, watch.now)
        for number in range(3):
            store.commit([effects_of(kind(mail(f"mail-{number}"))) for kind in (send, bounce)])
        Journal(watched, Judge(watched, POLICY), watch.now).post()
    touched = [collection for _, collection in commands.sent]
    assert "alerts" not in touched
    assert "alertsequences" not in touched
    assert touched.count("endpoints") == 1
    # Who waits for a wiring, the domains as they are, and the verdicts.
    assert touched.count("emaildomains") == 3


def test_rebuilding_finds_nothing_wrong_and_tells_nothing_twice(db: Db, watch: Watch) -> None:
    store = MongoStore(db, RETENTION, watch.now)
    journal = Journal(db, Judge(db, POLICY), watch.now)
    store.commit([effects_of(kind(mail(f"mail-{n}"))) for n in range(30) for kind in (send, bounce)])
    journal.post()
    assert told(db) == ["flagged"]
    rebuilder = Rebuilder(db, Judge(db, POLICY), journal, RETENTION, watch.now)
    assert rebuilder.compare(watch.at).agree
    journal.judge_again([DOMAIN])
    assert told(db) == ["flagged"]


# -- pauses


def test_a_pause_and_its_end_are_told_and_alerts_begin_anew(db: Db, watch: Watch, domain: Swinging) -> None:
    pauses = Pauses(db, Judge(db, POLICY).judge, watch.now)
    domain.become("flagged")
    pauses.pause(DOMAIN, Pause(By.STAFF, "ann", "a bought list", watch.at), None)
    watch.go(minutes=1)
    pauses.resume(DOMAIN, who="ann", why="it is gone", owner="acme", check=lambda _: None)
    # An owner's resume does not wipe the slate clean: it is flagged still, and told so again.
    assert told(db) == ["flagged", "paused", "resumed", "flagged"]
    paused, resumed = (db.alerts.find_one({"type": f"domain.{kind}"}) for kind in ("paused", "resumed"))
    assert paused is not None
    assert resumed is not None
    assert {name: paused["data"][name] for name in ("by", "who", "why")} == {
        "by": "staff",
        "who": "ann",
        "why": "a bought list",
    }
    assert (resumed["owner"], resumed["data"]["who"], resumed["data"]["why"]) == ("acme", "ann", "it is gone")
    pauses.pause(DOMAIN, Pause(By.STAFF, "ann", "again", watch.at), None)
    pauses.resume(DOMAIN, who="ann", why="fresh", owner=None, check=lambda _: None)
    stored = db.emaildomains.find_one({"domain": DOMAIN})
    assert stored is not None
    assert stored["alerting"]["told"] == "healthy"
    assert told(db)[4:] == ["paused", "resumed"]


def test_a_resume_of_what_is_not_paused_tells_nothing(db: Db, watch: Watch, domain: Swinging) -> None:
    domain.become("healthy")
    pauses = Pauses(db, Judge(db, POLICY).judge, watch.now)
    pauses.resume(DOMAIN, who="ann", why="", owner=None, check=lambda _: None)
    assert told(db) == []


def test_the_policys_pause_is_told_after_the_flag_that_led_to_it(db: Db, watch: Watch) -> None:
    domain = Swinging(db, watch, Judge(db, POLICY, policy_act(db, "pause")))
    domain.become("healthy")
    domain.add(bounces=200)
    domain.journal.post()
    assert told(db) == ["flagged", "paused"]
    assert (db.alerts.find_one({"type": "domain.paused"}) or {})["data"]["by"] == "policy"


# -- the account and its topics


def test_a_quota_threshold_is_told_once_as_a_share(db: Db) -> None:
    accounts = Accounts(db)
    state = AccountState(
        region="eu-north-1",
        production_access=True,
        sending_enabled=True,
        enforcement_status="HEALTHY",
        max_24_hour_send=1000.0,
        sent_last_24_hours=930.0,
        max_send_rate=14.0,
    )
    accounts.answered(state, START)
    accounts.answered(state, START + timedelta(minutes=1))
    thresholds = sorted(alert["data"]["threshold"] for alert in db.alerts.find())
    assert thresholds == [0.7, 0.9]
    assert {alert["data"]["used"] for alert in db.alerts.find()} == {930.0}


def test_a_topic_that_is_confirmed_or_unsubscribed_is_told_of_once(db: Db, watch: Watch) -> None:
    store = MongoStore(db, RETENTION, watch.now)

    def note(*states: str) -> None:
        store.commit([Effects(subscription=Subscription("arn:t", state, "arn:t:1", state)) for state in states])

    note("confirmed")
    note("confirmed", "confirmed")
    note("unsubscribed")
    note("unsubscribed", "confirmed")
    states = [row["data"]["state"] for row in db.alerts.find({"type": "subscription.changed"}).sort("sequence", 1)]
    assert states == ["confirmed", "unsubscribed", "confirmed"]
    assert len((db.subscriptions.find_one() or {})["history"]) == 6


# -- single bounces and complaints


def test_single_bounces_are_told_once_to_those_who_opted_in(db: Db, watch: Watch) -> None:
    store = MongoStore(db, RETENTION, watch.now)
    store.commit([effects_of(bounce(mail("before")))])
    Endpoints(db, watch.now).add(endpoint("ep_mail", types=("email.bounced",), domains=(DOMAIN,)))
    watch.go(seconds=BELIEVE.total_seconds())
    for _ in range(2):
        store.commit([effects_of(bounce(mail("mail-1"))), effects_of(complaint(mail("mail-2")))])
        store.commit([effects_of(bounce(mail("mail-3", domain="other.example")))])
    assert [(row["type"], row["data"]["messageId"]) for row in db.alerts.find()] == [("email.bounced", "mail-1")]


# -- verification


def test_every_change_of_verification_is_told_to_the_domains_owner_once(db: Db) -> None:
    state = {"registered": True, "registeredAt": START, "verificationStatus": "pending", "dkimStatus": "pending"}
    db.emaildomains.insert_one({"domain": DOMAIN, "owner": "acme", "awsSes": state})
    verifications = Verifications(db)
    followed = verifications.find(DOMAIN)
    assert followed is not None
    reading = Reading(at=START, identity=State.SUCCESS, dkim=State.SUCCESS, sending=True)
    for _ in range(2):
        verifications.record(followed, reading, Cause(CauseKind.ASKED, "ann"), lambda _: START)
    aspects = {row["aspect"] for row in db.verifications.find()}
    found = list(db.alerts.find({"type": "domain.verification.changed"}))
    assert {"identity", "dkim"} <= aspects
    assert sorted(alert["data"]["aspect"] for alert in found) == sorted(aspects)
    assert {alert["owner"] for alert in found} == {"acme"}
    [identity] = [alert["data"] for alert in found if alert["data"]["aspect"] == "identity"]
    assert (identity["from"], identity["to"]) == ("pending", "success")
    assert identity["cause"] == {"kind": "registered", "detail": "asked: ann"}


def test_what_registering_shows_is_told_as_well(db: Db, watch: Watch) -> None:
    db.emaildomains.insert_one(
        {"domain": DOMAIN, "owner": "acme", "awsSes": {"intent": "register", "claim": "c", "retryAt": watch.at}}
    )
    registrations = Registrations(db, watch.now)
    task = Task(DOMAIN, Intent.REGISTER, "c", watch.at, 1, registrations.find(DOMAIN) or {})
    identity = Identity(name=DOMAIN, verification=State.PENDING, dkim_status=State.PENDING)
    assert registrations.recorded(task, identity, {}, made=True, ended=True) is not None
    rows = db.verifications.count_documents({})
    assert rows > 0
    assert db.alerts.count_documents({"owner": "acme", "type": "domain.verification.changed"}) == rows
