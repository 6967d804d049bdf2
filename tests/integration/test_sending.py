"""Sending through a fake SES that speaks HTTP, with a real MongoDB."""

import json
import threading
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests.fakes.ses import THROTTLED, FakeSes, SimulatedClock
from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.documents import counts_of
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.limiter import Limiter
from webhook.adapters.mongo.sendings import KEPT, Sendings
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.suppressions import Suppressions
from webhook.adapters.mongo.verdicts import Judge
from webhook.adapters.ses import SesApi
from webhook.domain.effects import Effects, Outcome, Source
from webhook.domain.gate import Rules
from webhook.domain.reputation import Policy
from webhook.domain.ses import Outgoing
from webhook.domain.suppression import NewEntry
from webhook.errors import AwsError, Invalid, Limited, NotFound, Refused, Unavailable
from webhook.pipeline import accept
from webhook.ports import Store
from webhook.sending import Booking, Means, Sender
from webhook.sending.booking import LEASE

RETENTION = timedelta(days=30)
TOPIC = "arn:aws:sns:eu-north-1:123456789012:ses"
OPEN = Rules(enabled=True)
POLICY = Policy(Fraction(1, 20), Fraction(1, 1000), Fraction(8, 10), 5, 200, 1, 90)
MAIL = {"from": "Shop <shop@example.com>", "to": ["Ann <Ann@Gmail.com>"], "subject": "Hello", "text": "Hi"}


class Died(BaseException):
    """Stands for a process that is killed: nothing after it runs."""


class Dying:
    """Hands the mail to SES and dies before the answer is written down."""

    def __init__(self, mailer: SesApi) -> None:
        self._mailer = mailer

    def send(self, mail: Outgoing) -> str:
        self._mailer.send(mail)
        raise Died


class Failing:
    """A store whose database is away for so many commits."""

    def __init__(self, store: Store, times: int) -> None:
        self._store = store
        self.left = times

    def commit(self, batch: Sequence[Effects]) -> Sequence[Outcome]:
        if self.left:
            self.left -= 1
            raise Unavailable("MongoDB does not answer")
        return self._store.commit(batch)


class Stalling(Sendings):
    """A database that goes away just after the mail was begun, for so many calls."""

    away = 0

    def took(self, sending: Any) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("MongoDB does not answer")
        super().took(sending)


class Account:
    """Reads the fake's account at every question."""

    def __init__(self, api: SesApi, clock: SimulatedClock) -> None:
        self._api = api
        self._clock = clock

    def quota(self) -> dict[str, Any]:
        self._clock.advance(1)
        state = self._api.get_account()
        most = state.max_24_hour_send
        return {
            "region": state.region,
            "max24HourSend": most,
            "remaining": None if most is None else most - state.sent_last_24_hours,
            "maxSendRate": state.max_send_rate,
        }


class Fixed:
    """An account that is what it is said to be."""

    def __init__(self, rate: float | None, remaining: float | None = None) -> None:
        self.told = {
            "region": "eu-north-1",
            "max24HourSend": 200.0,
            "remaining": remaining,
            "maxSendRate": rate,
        }

    def quota(self) -> dict[str, Any]:
        return self.told


class Stage:
    """Everything that sending needs, and what the tests look at."""

    def __init__(self, db: Db, fake: FakeSes) -> None:
        self.db = db
        self.fake = fake
        self.clock = fake.simulated
        self.limiter = Limiter(db, self.clock.now)
        self.api = SesApi(
            region="eu-north-1",
            access_key_id="AKIA",
            secret_access_key="secret",
            endpoint_url=fake.origin,
            reserve=self.limiter.reserve,
            pause=self.clock.sleep,
        )
        self.store = MongoStore(db, RETENTION, self.clock.now)
        self.ledger = Sendings(db, self.clock.now)
        self.suppressions = Suppressions(db, self.clock.now)
        self.journal = Journal(db, Judge(db, POLICY), self.clock.now)

    def booking(
        self, store: Store | None = None, pause: Callable[[float], None] | None = None, **parts: Any
    ) -> Booking:
        ledger = parts.get("ledger") or self.ledger
        return Booking(ledger, store or self.store, self.clock.now, pause or self.clock.sleep)

    def sender(self, *, rules: Rules = OPEN, common: str | None = None, **parts: Any) -> Sender:
        means = {
            "ledger": self.ledger,
            "suppressions": self.suppressions,
            "account": Account(self.api, self.clock),
            "mailer": self.api,
            "reserve": self.limiter.reserve,
            "booking": self.booking(),
        }
        return Sender(
            Means(**{**means, **parts}),
            rules=rules,
            configuration_set=common,
            now=self.clock.now,
            pause=self.clock.sleep,
        )

    def add(self, name: str, owner: str | None = None, **ses: Any) -> None:
        """A verified domain, here and at SES."""
        self.fake.create_outside(name, verified=True)
        told = {"registered": True, "verificationStatus": "success", "verifiedForSending": True, **ses}
        self.db.emaildomains.insert_one({"domain": name, "owner": owner, "createdAt": self.clock.now(), "awsSes": told})

    def tell(
        self, kind: str, mail_id: str, *to: str, notification: bool = False, at: datetime | None = None
    ) -> Outcome:
        """What SES says of a mail, by event publishing or by the notification of an identity."""
        mail: dict[str, Any] = {
            "timestamp": (at or self.clock.now()).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "messageId": mail_id,
            "source": "shop@example.com",
            "sourceArn": "arn:aws:ses:eu-north-1:123456789012:identity/example.com",
            "destination": list(to) or ["Ann@Gmail.com"],
        }
        recipients = [{"emailAddress": address} for address in mail["destination"]]
        bodies: dict[str, Any] = {
            "Send": {},
            "Delivery": {"recipients": mail["destination"]},
            "Bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": recipients},
        }
        if not notification:
            mail["tags"] = {"ses:configuration-set": ["main"]}
        told = {"notificationType" if notification else "eventType": kind, "mail": mail, kind.lower(): bodies[kind]}
        source = Source(TOPIC, "id", json.dumps(told))
        return self.store.commit([accept(source, self.clock.now(), RETENTION)])[0]

    def counted(self) -> dict[tuple[str, str], dict[str, int]]:
        while self.journal.post().entries:
            pass
        rows = {(row["domain"], row["day"]): counts_of(row["n"]) for row in self.db.counters.find()}
        return {place: found for place, found in rows.items() if found}

    def rows(self) -> list[dict[str, Any]]:
        return list(self.db.sendings.find())


@pytest.fixture
def stage(database: Db) -> Iterator[Stage]:
    ensure_indexes(database)
    with FakeSes() as fake:
        stage = Stage(database, fake)
        yield stage
        stage.api.close()


@pytest.fixture
def sender(stage: Stage) -> Sender:
    stage.add("example.com")
    return stage.sender()


def code_of(call: Callable[[], str]) -> str:
    """The word of a refusal, or `sent`."""
    try:
        call()
    except Refused as refused:
        return refused.code
    return "sent"


# -- what is sent, and counted


def test_what_was_sent_is_a_fact_at_once(stage: Stage, sender: Sender) -> None:
    mail_id = sender.send("Example.COM.", MAIL, "shop")
    [sent] = stage.fake.sent
    assert sent.message_id == mail_id
    assert sent.request["FromEmailAddress"] == "Shop <shop@example.com>"
    assert sent.request["Destination"] == {"ToAddresses": ["Ann <Ann@gmail.com>"]}
    assert stage.db.mails.find_one({}, {"to": 1, "by": 1}) == {
        "_id": mail_id,
        "to": ["ann@gmail.com"],
        "by": ["api:send"],
    }
    counted = stage.counted()["example.com", stage.clock.now().date().isoformat()]
    assert (counted["sent"], counted["at/gmail.com/sent"]) == (1, 1)
    assert stage.rows() == []


def test_what_ses_tells_of_it_later_counts_nothing_twice(stage: Stage, sender: Sender) -> None:
    mail_id = sender.send("example.com", MAIL, "shop")
    before = stage.counted()
    assert stage.tell("Send", mail_id, at=stage.clock.now() - timedelta(milliseconds=80)) is Outcome.DUPLICATE
    assert stage.tell("Send", mail_id, at=stage.clock.now() + timedelta(milliseconds=80)) is Outcome.DUPLICATE
    assert stage.counted() == before
    assert stage.tell("Delivery", mail_id) is Outcome.ACCEPTED
    [counted] = stage.counted().values()
    assert (counted["sent"], counted["delivered"]) == (1, 1)


def test_a_mail_sent_at_midnight_counts_on_one_day(stage: Stage, sender: Sender) -> None:
    stage.clock.advance((datetime(2026, 3, 11, tzinfo=UTC) - stage.clock.now()).total_seconds() - 0.9)
    mail_id = sender.send("example.com", MAIL, "shop")
    assert list(stage.counted()) == [("example.com", "2026-03-11")]
    stage.tell("Send", mail_id, at=datetime(2026, 3, 10, 23, 59, 59, 900_000, tzinfo=UTC))
    counted = stage.counted()
    assert list(counted) == [("example.com", "2026-03-10")]
    assert counted["example.com", "2026-03-10"]["sent"] == 1


def test_a_domain_that_sends_here_is_judged_though_its_bounces_come_by_a_blind_notification(
    stage: Stage, sender: Sender
) -> None:
    ids = [sender.send("example.com", MAIL, "shop") for _ in range(10)]
    stage.tell("Bounce", ids[0], notification=True)
    stage.counted()
    judged = stage.db.emaildomains.find_one({"domain": "example.com"}) or {}
    reputation = judged["reputation"]
    assert (reputation["status"], reputation["reason"], reputation["bounceRate"]) == ("flagged", None, 0.1)
    assert reputation["blindWirings"] == []
    assert code_of(lambda: sender.send("example.com", MAIL, "shop")) == "domain_flagged"
    lenient = stage.sender(rules=Rules(True, flagged_may=True))
    assert code_of(lambda: lenient.send("example.com", {**MAIL, "to": ["bob@gmail.com"]}, "shop")) == "sent"


@pytest.mark.parametrize(
    ("own", "common", "passed"), [("own", "main", "own"), (None, "main", "main"), (None, None, None)]
)
def test_configuration_set_and_tenant_are_passed_on(
    stage: Stage, own: str | None, common: str | None, passed: str | None
) -> None:
    for name in ("own", "main"):
        stage.fake.add_configuration_set(name)
    stage.api.create_tenant("t-example")
    stage.add("example.com", configurationSet=own, tenant="t-example")
    stage.sender(common=common).send("example.com", {**MAIL, "tags": {"a": "b"}}, "shop")
    [sent] = stage.fake.sent
    assert sent.request.get("ConfigurationSetName") == passed
    assert sent.request["TenantName"] == "t-example"
    assert sent.request["EmailTags"] == [{"Name": "a", "Value": "b"}]


def test_a_whole_message_goes_out_as_it_is(stage: Stage, sender: Sender) -> None:
    letter = b"From: Shop <shop@news.example.com>\r\nTo: all of you\r\nSubject: Hi\r\n\r\nHi\r\n"
    given = {"from": "shop@news.example.com", "to": ["ann@gmail.com"], "bcc": ["bob@gmail.com"]}
    mail_id = sender.send("example.com", {**given, "raw": b64encode(letter).decode()}, "shop")
    [sent] = stage.fake.sent
    assert b64decode(sent.request["Content"]["Raw"]["Data"]) == letter
    assert sent.recipients == ["ann@gmail.com", "bob@gmail.com"]
    stored = stage.db.mails.find_one({"_id": mail_id}) or {}
    assert (stored["domain"], stored["to"]) == ("example.com", ["ann@gmail.com", "bob@gmail.com"])


# -- what is not sent


def test_a_suppressed_recipient_is_refused_whatever_its_case(stage: Stage, sender: Sender) -> None:
    stage.suppressions.add(NewEntry(address="ANN@gmail.com", reason="complaint"), "eva")
    with pytest.raises(Refused) as refused:
        sender.send("example.com", {**MAIL, "to": ["bob@gmail.com"], "bcc": ["aNN@GMAIL.com"]}, "shop")
    assert refused.value.code == "recipient_suppressed"
    assert "ann@gmail.com (complaint)" in refused.value.detail
    assert stage.fake.sent == []


def test_a_foreign_domain_is_none_and_so_is_one_only_heard_of(stage: Stage) -> None:
    stage.add("example.com", owner="acme")
    stage.db.emaildomains.insert_one({"domain": "heard.example", "reputation": {}})
    sender = stage.sender()
    told = []
    for name in ("example.com", "nowhere.example", "heard.example"):
        with pytest.raises(NotFound) as refused:
            sender.send(name, {**MAIL, "from": f"a@{name}"}, "shop", "other", "key")
        told.append(str(refused.value).replace(name, "NAME"))
    assert len(set(told)) == 1
    assert sender.send("example.com", MAIL, "shop", "acme")
    with pytest.raises(NotFound):
        sender.send("not a domain", MAIL, "shop")


def test_a_sub_domain_of_its_own_is_sent_by_itself(stage: Stage, sender: Sender) -> None:
    stage.add("news.example.com")
    sender.send("example.com", {**MAIL, "from": "a@mail.example.com"}, "shop")
    with pytest.raises(Invalid, match="a domain of its own"):
        sender.send("example.com", {**MAIL, "from": "a@de.news.example.com"}, "shop")
    sender.send("news.example.com", {**MAIL, "from": "a@de.news.example.com"}, "shop")


def test_senders_of_all_processes_keep_the_accounts_rate_together(stage: Stage) -> None:
    stage.add("example.com")
    account = Fixed(rate=2.0)
    senders = [stage.sender(account=account) for _ in range(2)]
    begun = stage.clock.now()
    for turn in range(6):
        senders[turn % 2].send("example.com", MAIL, "shop")
    assert (stage.clock.now() - begun).total_seconds() == pytest.approx(2.5, abs=0.01)
    senders[0].send("example.com", {**MAIL, "to": [f"a{n}@gmail.com" for n in range(10)]}, "shop")
    with pytest.raises(Limited) as limited:
        senders[1].send("example.com", MAIL, "shop")
    assert limited.value.retry_after == pytest.approx(5.0, abs=0.01)
    assert len(stage.fake.sent) == 7


QUOTAS = [
    pytest.param(Fixed(14.0, remaining=0.0), "24 hours is used up", id="used up"),
    pytest.param(Fixed(14.0, remaining=1.0), "24 hours is used up", id="not enough left for both"),
    pytest.param(Fixed(0.0), "no mail at all", id="no rate"),
    pytest.param(Fixed(None, remaining=None), None, id="unlimited"),
    pytest.param(Fixed(14.0, remaining=2.0), None, id="just enough"),
]


@pytest.mark.parametrize(("account", "detail"), QUOTAS)
def test_the_quota_of_24_hours(stage: Stage, account: Fixed, detail: str | None) -> None:
    stage.add("example.com")
    sender = stage.sender(account=account)
    mail = {**MAIL, "cc": ["bob@gmail.com"]}
    if detail:
        with pytest.raises(Limited, match=detail):
            sender.send("example.com", mail, "shop")
    else:
        sender.send("example.com", mail, "shop")
    assert len(stage.fake.sent) == (0 if detail else 1)


def test_what_ses_throttles_is_a_limit_and_may_be_repeated(stage: Stage, sender: Sender) -> None:
    stage.fake.fail_next("SendEmail", THROTTLED)
    with pytest.raises(Limited):
        sender.send("example.com", MAIL, "shop", key="k")
    assert sender.send("example.com", MAIL, "shop", key="k")
    assert len(stage.fake.sent) == 1


def test_what_ses_refuses_was_not_sent_and_is_not_counted(stage: Stage, sender: Sender) -> None:
    stage.fake.account.sending_enabled = False
    with pytest.raises(AwsError) as refused:
        sender.send("example.com", MAIL, "shop")
    assert refused.value.code == "aws_sending_paused"
    assert stage.rows() == []
    assert stage.counted() == {}


@pytest.mark.parametrize("part", ["ledger", "suppressions", "reserve"])
def test_without_the_database_nothing_is_sent(stage: Stage, part: str) -> None:
    stage.add("example.com")
    away = connect("mongodb://127.0.0.1:9/x?directConnection=true", patience=0.2)
    parts = {
        "ledger": Sendings(away, stage.clock.now),
        "suppressions": Suppressions(away, stage.clock.now),
        "reserve": Limiter(away, stage.clock.now).reserve,
    }
    try:
        with pytest.raises(Unavailable):
            stage.sender(**{part: parts[part]}).send("example.com", MAIL, "shop")
    finally:
        away.client.close()
    assert stage.fake.asked("SendEmail") == []


# -- once, whatever happens


def test_one_key_sends_once(stage: Stage, sender: Sender) -> None:
    first = sender.send("example.com", MAIL, "shop", key="k")
    assert stage.sender().send("example.com", MAIL, "shop", key="k") == first
    assert code_of(lambda: sender.send("example.com", {**MAIL, "text": "Bye"}, "shop", key="k")) == (
        "idempotency_key_reused"
    )
    assert sender.send("example.com", MAIL, "another token", key="k") != first
    assert len(stage.fake.sent) == 2
    assert [row.get("to") for row in stage.rows()] == [None, None]
    stage.clock.advance(KEPT.total_seconds())
    assert sender.send("example.com", MAIL, "shop", key="k") != first


def test_a_repetition_is_answered_though_the_domain_was_paused_meanwhile(stage: Stage, sender: Sender) -> None:
    first = sender.send("example.com", MAIL, "shop", key="k")
    paused = {"by": "staff", "who": "eva", "why": "asked", "at": stage.clock.now()}
    stage.db.emaildomains.update_one({"domain": "example.com"}, {"$set": {"paused": paused}})
    assert sender.send("example.com", MAIL, "shop", key="k") == first
    assert code_of(lambda: sender.send("example.com", MAIL, "shop", key="other")) == "domain_paused"


def test_many_at_once_under_one_key_send_once(stage: Stage, sender: Sender) -> None:
    senders = [stage.sender(account=Fixed(None)) for _ in range(2)]
    held = stage.fake.hold_next("SendEmail")
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(code_of, lambda: sender.send("example.com", MAIL, "shop", key="k"))
        assert held.arrived.wait(30)
        told = Counter(
            threads.map(lambda one: code_of(lambda: one.send("example.com", MAIL, "shop", key="k")), senders * 3)
        )
        held.release()
        assert first.result() == "sent"
    assert told == {"idempotency_in_progress": 6}
    assert len(stage.fake.sent) == 1


def test_of_two_that_begin_together_one_goes_on(stage: Stage) -> None:
    stage.add("example.com")
    barrier = threading.Barrier(2)  # both pass the look-up before either writes

    class Meeting(Fixed):
        def quota(self) -> dict[str, Any]:
            barrier.wait(30)
            return self.told

    senders = [stage.sender(account=Meeting(None)) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        told = Counter(
            threads.map(lambda one: code_of(lambda: one.send("example.com", MAIL, "shop", key="k")), senders)
        )
    assert told == {"sent": 1, "idempotency_in_progress": 1}
    assert len(stage.fake.sent) == 1


@pytest.mark.parametrize("key", ["k", ""])
def test_a_lost_answer_is_not_sent_again(stage: Stage, sender: Sender, key: str) -> None:
    stage.fake.lose_next_answer("SendEmail")
    assert code_of(lambda: sender.send("example.com", MAIL, "shop", key=key)) == "send_outcome_unknown"
    [row] = stage.rows()
    assert row["state"] == "unknown"
    assert stage.ledger.number_unknown() == 1
    if key:
        assert code_of(lambda: sender.send("example.com", MAIL, "shop", key=key)) == "send_outcome_unknown"
    assert len(stage.fake.sent) == 1
    assert stage.counted() == {}


def test_who_dies_between_ses_and_us_leaves_an_unknown_outcome_and_no_second_mail(stage: Stage, sender: Sender) -> None:
    with pytest.raises(Died):
        stage.sender(mailer=Dying(stage.api)).send("example.com", MAIL, "shop", key="k")
    assert code_of(lambda: sender.send("example.com", MAIL, "shop", key="k")) == "idempotency_in_progress"
    assert not stage.booking().work()
    stage.clock.advance(LEASE.total_seconds() + 1)
    assert code_of(lambda: sender.send("example.com", MAIL, "shop", key="k")) == "send_outcome_unknown"
    assert stage.booking().work()
    assert stage.ledger.number_unknown() == 1
    assert not stage.booking().work()
    assert code_of(lambda: sender.send("example.com", MAIL, "shop", key="k")) == "send_outcome_unknown"
    assert len(stage.fake.sent) == 1


def test_what_was_sent_is_booked_once_the_database_is_back(stage: Stage) -> None:
    stage.add("example.com")
    store = Failing(stage.store, times=3)
    booking = stage.booking(store)
    mail_id = stage.sender(booking=booking).send("example.com", MAIL, "shop")
    booking.close(30)
    assert store.left == 0
    assert stage.db.mails.find_one({"_id": mail_id})
    assert [counted["sent"] for counted in stage.counted().values()] == [1]
    assert stage.rows() == []


def test_a_database_that_goes_away_right_after_ses_took_it_changes_no_answer(stage: Stage) -> None:
    stage.add("example.com")
    ledger = Stalling(stage.db, stage.clock.now)
    ledger.away = 2
    booking = stage.booking(ledger=ledger)
    sender = stage.sender(ledger=ledger, booking=booking)
    mail_id = sender.send("example.com", MAIL, "shop", key="k")
    booking.close(30)
    assert sender.send("example.com", MAIL, "shop", key="k") == mail_id
    assert [counted["sent"] for counted in stage.counted().values()] == [1]


def test_what_one_process_could_not_book_a_worker_does(stage: Stage) -> None:
    stage.add("example.com")
    over = threading.Event()
    hopeless = stage.booking(Failing(stage.store, times=1_000_000), pause=lambda _: over.wait(60) and None)
    sender = stage.sender(booking=hopeless)
    mail_id = sender.send("example.com", MAIL, "shop", key="k")
    assert sender.send("example.com", MAIL, "shop", key="k") == mail_id
    assert not stage.booking().work()
    stage.clock.advance(LEASE.total_seconds() + 1)
    assert stage.booking().work()
    assert [counted["sent"] for counted in stage.counted().values()] == [1]
    assert not stage.booking().work()
    hopeless._store = stage.store
    over.set()
    hopeless.close(30)
    assert [counted["sent"] for counted in stage.counted().values()] == [1]
    assert sender.send("example.com", MAIL, "shop", key="k") == mail_id
    assert len(stage.fake.sent) == 1


def test_who_is_paused_while_a_mail_waits_for_its_slot_sends_nothing(stage: Stage) -> None:
    stage.add("example.com")

    def reserve(*_: object, **__: object) -> float:
        stage.db.emaildomains.update_one({"domain": "example.com"}, {"$set": {"paused": "fraud"}})
        return 0.0

    with pytest.raises(Refused) as refused:
        stage.sender(reserve=reserve).send("example.com", MAIL, "shop")
    assert refused.value.code == "domain_paused"


def test_a_raw_message_does_not_speak_for_a_sub_domain_of_its_own(stage: Stage, sender: Sender) -> None:
    stage.add("news.example.com")
    raw = b"From: x@news.example.com\r\nTo: b@example.net\r\nSubject: s\r\n\r\nhello\r\n"
    message = {"from": "x@example.com", "to": ["b@example.net"], "raw": b64encode(raw).decode()}
    with pytest.raises(Invalid, match="a domain of its own"):
        sender.send("example.com", message, "shop")
