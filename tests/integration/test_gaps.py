"""A week in which a tenth of the messages was withheld: found by day, domain and kind, and restored where AWS can."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from tests.fakes.aws import FakeAws
from tests.integration.conftest import Run
from tests.telling import Teller, payload
from tests.withheld import (
    DOMAINS,
    REASONS,
    TODAY,
    WEEK,
    Message,
    aws_knows,
    begin,
    places,
    quarter,
    settings_for,
    statistics,
    week,
    withheld,
)
from webhook.account import Account
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.accounts import Accounts
from webhook.assembling.gaps import open_gaps
from webhook.domain.gaps import Reason, State
from webhook.domain.gaps_told import Findings
from webhook.domain.restoring import Fate
from webhook.errors import NotFound
from webhook.gaps.repairing import Repair
from webhook.oversight import oversight
from webhook.platform import ses_api

pytestmark = pytest.mark.mongo
Db = Database[dict[str, Any]]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    monkeypatch.setattr("webhook.amazon.caller.API_RATE", 10_000.0)
    with FakeAws() as fake:
        fake.deliver_confirmations = False
        fake.publishing.policies = False
        yield fake


@pytest.fixture
def topic(aws: FakeAws) -> str:
    """A topic whose dead letters are kept, since nobody answers at our endpoint."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    sqs.create_queue(QueueName="dead")
    arn: str = sns.create_topic(Name="ses-events", Attributes={"SignatureVersion": "2"})["TopicArn"]
    policy = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:eu-north-1:{aws.account_id}:dead"})
    subscribed = sns.subscribe(
        TopicArn=arn,
        Protocol="http",
        Endpoint="http://127.0.0.1:9/webhooks/sns",
        Attributes={"RedrivePolicy": policy},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    sns.confirm_subscription(TopicArn=arn, Token=aws.topics.tokens[subscribed])
    return arn


@pytest.fixture
def teller(database: Db, mongodb_uri: str, aws: FakeAws, topic: str) -> Teller:
    return Teller(database, settings_for(aws, mongodb_uri, topic))


def look(teller: Teller, domain: str | None = None) -> Findings:
    with open_gaps(teller.settings) as desk:
        *_, last = desk.oversight.checker.run(WEEK[0], domain)
    assert last.found is not None
    return last.found


def repair(teller: Teller) -> Repair:
    with open_gaps(teller.settings) as desk:
        *_, last = desk.repairer.repair(datetime.combine(WEEK[0], time(), UTC))
    return last


def missing(found: Findings) -> Counter[tuple[str | None, Any, str]]:
    rows = [row for row in found.rows if row.state is State.MISSING]
    return Counter({(row.domain, row.day, row.kind.value): row.missing for row in rows})


def test_a_tenth_withheld_is_found_and_what_aws_holds_is_restored(teller: Teller, aws: FakeAws, topic: str) -> None:
    messages = week()
    lost = withheld(messages)
    begin(teller)
    teller.tell(*(message.text for message in messages if message not in lost))
    teller.post()
    aws_knows(aws, messages)

    found = look(teller)
    assert missing(found) == places(lost)
    assert {row.reason for row in found.rows if row.state is State.MISSING} == {Reason.LOST}
    assert found.missing == len(lost)
    assert found.equal + len(found.rows) >= len(places(messages))

    # Every other message that was lost lies among the dead letters, in a real, signed envelope.
    dead = {message for place, message in enumerate(sorted(lost, key=lambda one: one.text)) if place % 2}
    for message in dead:
        aws.publish(topic, message.text)
    aws.settle()
    listed = {message for message in lost - dead if message.kind in REASONS}
    unknown = {one for one in listed if all(o in lost - dead for o in messages if o.mail == one.mail)}
    done = repair(teller)
    teller.post()

    kinds = Counter((message.domain, message.kind.capitalize()) for message in dead)
    assert done.drained.restored == kinds
    kept = listed - unknown
    assert done.restored.facts == Counter((message.domain, message.kind.capitalize()) for message in kept)
    assert done.restored.fates[Fate.UNKNOWN] == len(unknown)
    assert aws.client("sqs").receive_message(QueueUrl=_url(aws)).get("Messages") is None

    after = look(teller)
    assert missing(after) == places(lost - dead - kept)
    assert teller.db.quarantine.count_documents({}) == 0

    # What was restored counts nothing twice when it comes after all, nor when it is repaired once more.
    teller.tell(*(message.text for message in messages))
    again = repair(teller)
    teller.post()
    assert (again.drained.messages, sum(again.restored.facts.values())) == (0, 0)
    assert missing(look(teller)) == Counter()
    for domain in DOMAINS:
        total = _sums(teller.db, domain)
        expected = places(message for message in messages if message.domain == domain)
        by_kind = Counter[str]()
        for (_, _, kind), count in expected.items():
            by_kind[kind] += count
        assert total["bounces"] == by_kind["bounce"]
        assert total["complaints"] == by_kind["complaint"]


def _url(aws: FakeAws) -> str:
    return str(aws.client("sqs").get_queue_url(QueueName="dead")["QueueUrl"])


def _sums(db: Db, domain: str) -> dict[str, int]:
    names = ("sent", "bounces", "complaints")
    found = db.counters.find({"domain": domain, "day": {"$gte": WEEK[0].isoformat()}})
    rows = [row["n"] for row in found]
    return {name: sum(row.get(name, 0) for row in rows) for name in names}


def test_without_vdm_the_account_is_compared_by_quarters(teller: Teller, aws: FakeAws) -> None:
    messages = [message for message in week() if message.kind != "delivery"]
    lost = withheld(messages)
    begin(teller)
    teller.tell(*(message.text for message in messages if message not in lost))
    teller.post()
    offset = timedelta(minutes=2)
    aws.ses.statistics = statistics(messages, offset)
    found = look(teller)
    assert found.source.value == "statistics"
    expected = Counter((None, quarter(message.at, offset).date(), message.kind) for message in lost)
    assert missing(found) == expected
    row = next(row for row in found.rows if row.spans)
    assert sum(span.missing for span in row.spans) == row.missing
    assert {quarter(span.first, offset) for span in row.spans} == {span.first for span in row.spans}


def test_mail_to_several_and_to_the_simulator_is_left_out_as_vdm_does(teller: Teller, aws: FakeAws) -> None:
    begin(teller)
    at = datetime.combine(WEEK[3], time(9), UTC)
    simulator = "success@simulator.amazonses.com"
    teller.tell(
        payload("Send", "one", "ann@rcpt.example", domain=DOMAINS[0], at=at),
        payload("Send", "two", "ann@rcpt.example", "bob@rcpt.example", domain=DOMAINS[0], at=at),
        payload("Send", "three", simulator, domain=DOMAINS[0], at=at),
    )
    aws.ses.vdm[DOMAINS[0], "SEND", WEEK[3]] = 1
    found = look(teller)
    assert found.rows == ()
    send = next(total for total in found.totals if total.kind == "send")
    assert (send.ours, send.aws, send.left_out) == (1, 1, 2)


def test_the_first_day_here_and_kinds_not_wired_are_told_apart(teller: Teller, aws: FakeAws) -> None:
    at = datetime.combine(WEEK[2], time(12), UTC)
    teller.tell(payload("Bounce", "mail-1", "ann@rcpt.example", domain=DOMAINS[0], at=at))
    at = datetime.combine(WEEK[4], time(12), UTC)
    teller.tell(payload("Bounce", "mail-2", "bob@rcpt.example", domain=DOMAINS[0], at=at))
    teller.post()
    for day in WEEK:
        aws.ses.vdm[DOMAINS[0], "SEND", day] = 50
        aws.ses.vdm[DOMAINS[0], "PERMANENT_BOUNCE", day] = 1
    found = look(teller)
    told = {(row.day, row.kind.value): (row.state.value, row.reason and row.reason.value) for row in found.rows}
    assert told[WEEK[0], "send"] == ("note", "beginning")
    assert told[WEEK[2], "send"] == ("note", "beginning")
    assert told[WEEK[4], "send"] == ("note", "unwired")
    assert told[WEEK[5], "bounce"] == ("missing", "lost")
    assert (WEEK[4], "bounce") not in told


def test_a_domain_that_ses_does_not_answer_for_is_named_and_not_called_missing(teller: Teller, aws: FakeAws) -> None:
    begin(teller)
    aws.ses.vdm[DOMAINS[0], "SEND", WEEK[1]] = 5
    aws.ses.vdm[DOMAINS[1], "SEND", WEEK[1]] = 5
    aws.ses.vdm_failing.add(DOMAINS[0])
    found = look(teller)
    assert found.unknown == (DOMAINS[0],)
    assert {row.domain for row in found.rows} == {DOMAINS[1]}
    with pytest.raises(NotFound, match=r"nowhere\.example"):
        look(teller, "nowhere.example")


class Ticking(Clock):
    """The system's clock, some days ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


class TestLastingDifferences:
    def looks(self, teller: Teller, *ahead: float) -> list[int]:
        """How many alerts there are after a look, by the days that the clock is ahead."""
        clock, counts = Ticking(), []
        account = Account(ses_api(teller.db, teller.settings, clock), Accounts(teller.db), clock.now)
        seen = oversight(teller.db, teller.settings, clock, account)
        for days in ahead:
            clock.ahead = timedelta(days=days)
            list(seen.checker.run(TODAY - timedelta(days=2)))
            counts.append(teller.db.alerts.count_documents({"type": "counts.diverged"}))
        seen.close()
        return counts

    def test_is_told_once_after_two_looks_a_day_apart_from_its_end(self, teller: Teller, aws: FakeAws) -> None:
        begin(teller)
        teller.db.emaildomains.update_one({"domain": DOMAINS[0]}, {"$set": {"owner": "acme"}})
        aws.ses.vdm[DOMAINS[0], "SEND", WEEK[-1]] = 9
        assert self.looks(teller, 0, 0.2, 1.5, 1.501, 2.6, 3.7) == [0, 0, 0, 0, 1, 1]
        alert = teller.db.alerts.find_one({"type": "counts.diverged"})
        assert alert is not None
        assert (alert["domain"], alert["owner"]) == (DOMAINS[0], "acme")
        assert (alert["data"]["ours"], alert["data"]["theirs"]) == ({"send": 0}, {"send": 9})
        row = teller.db.gaps.find_one({"domain": DOMAINS[0]})
        assert row is not None
        assert row["toldAt"] is not None

    def test_what_came_meanwhile_is_told_nobody(self, teller: Teller, aws: FakeAws) -> None:
        begin(teller)
        aws.ses.vdm[DOMAINS[0], "SEND", WEEK[-1]] = 1
        assert self.looks(teller, 0, 1.5) == [0, 0]
        at = datetime.combine(WEEK[-1], time(12), UTC)
        teller.tell(payload("Send", "late", "ann@rcpt.example", domain=DOMAINS[0], at=at))
        assert self.looks(teller, 2.6, 3.7) == [0, 0]
        assert teller.db.gaps.count_documents({}) == 0

    def test_of_the_whole_account_no_domain_is_named(self, teller: Teller, aws: FakeAws) -> None:
        begin(teller)
        aws.ses.statistics = statistics(
            [
                Message(
                    DOMAINS[0],
                    WEEK[-1],
                    "send",
                    "m",
                    "a@b.example",
                    datetime.combine(WEEK[-1], time(12), UTC),
                    WEEK[-1],
                )
            ]
        )
        assert self.looks(teller, 1.5, 2.6) == [0, 1]
        alert = teller.db.alerts.find_one({"type": "counts.diverged"})
        assert alert is not None
        assert alert["domain"] is None
        assert "domain" not in alert["data"]


class TestChore:
    def test_it_compares_once_a_day_a_group_at_a_time_and_keeps_what_aws_has_against_it(
        self, teller: Teller, aws: FakeAws
    ) -> None:
        begin(teller)
        aws.ses.vdm[DOMAINS[0], "SEND", WEEK[-1]] = 9
        clock = Ticking()
        account = Account(ses_api(teller.db, teller.settings, clock), Accounts(teller.db), clock.now)
        seen = oversight(teller.db, teller.settings, clock, account)
        assert [seen.checker.work() for _ in range(4)] == [True, True, False, False]
        assert seen.gaps.find()["items"][0]["missing"] == 9
        aws.deny("ses:GetAccount")
        clock.ahead = timedelta(days=1, hours=1)
        assert not seen.checker.work()
        assert seen.gaps.find()["problem"]["code"] == "aws_access_denied"
        aws.allow()
        assert not seen.checker.work()
        clock.ahead = timedelta(days=1, hours=8)
        assert seen.checker.work()
        seen.close()


class TestRestoring:
    def test_it_is_taken_up_where_it_was_cut_off(self, teller: Teller, aws: FakeAws) -> None:
        messages = [message for message in week(mails=6) if message.kind in ("send", "bounce")]
        begin(teller)
        teller.tell(*(message.text for message in messages if message.kind == "send"))
        bounces = [message for message in messages if message.kind == "bounce"]
        aws_knows(aws, bounces)
        since = datetime.combine(WEEK[0], time(), UTC)
        with open_gaps(teller.settings) as desk:
            steps = desk.repairer.repair(since)
            while next(steps).restored.done < 10:
                pass
        done = repair(teller)
        assert done.restored.total == done.restored.done == len(bounces)
        asked = aws.asked("sesv2", "GetSuppressedDestination")
        assert len(asked) <= len(bounces) + 1
        assert {one["EmailAddress"] for one in asked} == {message.to for message in bounces}
        teller.post()
        assert sum(_sums(teller.db, domain)["bounces"] for domain in DOMAINS) == len(bounces)

    def test_what_was_heard_costs_no_call(self, teller: Teller, aws: FakeAws) -> None:
        messages = week(mails=6)
        begin(teller)
        teller.tell(*(message.text for message in messages))
        teller.post()
        aws_knows(aws, messages)
        done = repair(teller)
        assert done.restored.fates == {Fate.KNOWN: done.restored.total}
        assert aws.asked("sesv2", "GetSuppressedDestination") == []


def test_dead_letters_that_are_not_authentic_stay(teller: Teller, aws: FakeAws) -> None:
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=_url(aws), MessageBody="not a message of SNS")
    foreign = aws.client("sns").create_topic(Name="foreign")["TopicArn"]
    aws.client("sns").subscribe(
        TopicArn=foreign, Protocol="sqs", Endpoint=f"arn:aws:sqs:eu-north-1:{aws.account_id}:dead"
    )
    aws.publish(foreign, payload("Send", "forged", "ann@rcpt.example"))
    aws.settle()
    done = repair(teller)
    assert sum(done.drained.rejected.values()) == 2
    assert done.drained.rejected["topic_not_allowed"] == 1
    attributes = sqs.get_queue_attributes(QueueUrl=_url(aws), AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "2"
    assert teller.db.mails.count_documents({}) == 0


class TestCommand:
    @pytest.fixture
    def gaps(self, run: Run, aws: FakeAws, topic: str, monkeypatch: pytest.MonkeyPatch) -> Run:
        given = {
            "AWS_ENDPOINT_URL": aws.origin,
            "AWS_SDK_REGION": "eu-north-1",
            "AWS_SDK_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SDK_SECRET_ACCESS_KEY": "secret",
            "SNS_TRUSTED_ORIGINS": aws.origin,
            "SNS_TOPIC_ARNS": topic,
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return run

    def test_it_tells_what_is_missing_why_and_what_to_do(self, gaps: Run, teller: Teller, aws: FakeAws) -> None:
        begin(teller)
        at = datetime.combine(WEEK[3], time(12), UTC)
        teller.tell(payload("Send", "mail-1", "ann@rcpt.example", domain=DOMAINS[0], at=at))
        aws.ses.vdm[DOMAINS[0], "SEND", WEEK[3]] = 4
        code, out, _ = gaps("gaps", "--since", WEEK[0].isoformat())
        assert code == 1
        assert f"missing 3 sends of {DOMAINS[0]} on {WEEK[3]} are missing: AWS counts 4, 1 were heard here." in out
        assert "3/4" in out
        assert "--repair" in out
        told = json.loads(gaps("gaps", DOMAINS[0], "--json", "--since", "7d")[1])
        assert [(item["domain"], item["missing"]) for item in told["items"]] == [(DOMAINS[0], 3)]
        assert told["source"] == "vdm"

    def test_quarters_are_told_by_the_clock(self, gaps: Run, teller: Teller, aws: FakeAws) -> None:
        begin(teller)
        times = {"10:20": 9, "10:40": 5, "12:00": 2}
        happened = [
            Message(DOMAINS[0], WEEK[3], "bounce", f"{at}-{number}", f"{at}-{number}@rcpt.example", when, when)
            for at, count in times.items()
            for number in range(count)
            for when in [datetime.combine(WEEK[3], time.fromisoformat(at), UTC)]
        ]
        teller.tell(*(message.text for message in happened if message.at.hour == 12))
        aws.ses.statistics = statistics(happened)
        code, out, _ = gaps("gaps")
        assert code == 1
        assert (
            f"missing 14 bounces missing between 10:15 and 10:45 (the account on {WEEK[3]}, UTC; AWS counts 16" in out
        )
        assert "Virtual Deliverability Manager is off" in out

    def test_it_says_that_nothing_is_missing(self, gaps: Run, teller: Teller, aws: FakeAws) -> None:
        begin(teller)
        aws.ses.account.vdm = True
        code, out, _ = gaps("gaps")
        assert code == 0
        assert "ok nothing is missing" in out

    def test_that_one_asks_too_often_is_borne(self, gaps: Run, teller: Teller, aws: FakeAws) -> None:
        begin(teller)
        aws.ses.vdm[DOMAINS[0], "SEND", WEEK[3]] = 4
        aws.fail_next("sesv2", "BatchGetMetricData", "TooManyRequestsException", 429)
        told = json.loads(gaps("gaps", "--json")[1])
        assert (told["missing"], told["unknown"]) == (4, [])

    def test_repair_says_what_it_restored(self, gaps: Run, teller: Teller, aws: FakeAws, topic: str) -> None:
        begin(teller)
        at = datetime.combine(WEEK[3], time(12), UTC)
        teller.tell(payload("Send", "mail-1", "ann@rcpt.example", domain=DOMAINS[0], at=at))
        aws.publish(topic, payload("Delivery", "mail-1", "ann@rcpt.example", domain=DOMAINS[0], at=at))
        aws.settle()
        aws.ses.vdm[DOMAINS[0], "SEND", WEEK[3]] = 1
        aws.ses.vdm[DOMAINS[0], "DELIVERY", WEEK[3]] = 1
        code, out, _ = gaps("gaps", "--repair")
        assert code == 0
        assert "Dead letters: 1 in 1 queue (1 accepted)." in out
        assert "nothing is missing" in out

    def test_an_error_of_aws_is_one_plain_line(self, gaps: Run, teller: Teller, aws: FakeAws) -> None:
        begin(teller)
        aws.deny("ses:GetAccount")
        code, out, err = gaps("gaps")
        assert (code, out) == (1, "")
        assert "ses:GetAccount" in err

    def test_the_account_is_shown_with_those_who_make_its_rates(self, gaps: Run, teller: Teller) -> None:
        teller.traffic("bad.example", sent=100, bounces=9)
        teller.traffic("good.example", sent=900, bounces=1)
        code, out, _ = gaps("account")
        assert code == 0
        assert "HEALTHY" in out
        lines = out.splitlines()
        row = next(line for line in lines if line.startswith("bad.example"))
        assert "9/100 (9.00 %)" in row
        assert "90.00 %" in row
        told = json.loads(gaps("account", "--json")[1])
        assert [item["domain"] for item in told["shares"]["items"]] == ["bad.example", "good.example"]
