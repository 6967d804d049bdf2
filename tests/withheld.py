"""A week of mail, every tenth message of which never arrives; AWS knows all of it."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tests.fakes.aws import FakeAws
from tests.fakes.ses.suppressed import Suppressed
from tests.telling import Teller, payload
from webhook.adapters.clock import Clock
from webhook.config import Settings

DOMAINS = ("shop.example", "news.example", "bank.example")
METRICS = {"send": "SEND", "delivery": "DELIVERY", "bounce": "PERMANENT_BOUNCE", "complaint": "COMPLAINT"}
TODAY = Clock().now().date()
WEEK = [TODAY - timedelta(days=back) for back in range(7, 0, -1)]
REASONS = {"bounce": "BOUNCE", "complaint": "COMPLAINT"}

Place = tuple[str, date, str]


@dataclass(frozen=True)
class Message:
    """One message that SES published."""

    domain: str
    day: date
    kind: str
    mail: str
    to: str
    at: datetime
    sent: datetime

    @property
    def place(self) -> Place:
        return self.domain, self.day, self.kind

    @property
    def text(self) -> str:
        kind = self.kind.capitalize()
        told = {} if kind == "Send" else {"timestamp": self.at.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
        return payload(kind, self.mail, self.to, domain=self.domain, at=self.sent, **told)


def week(seed: int = 7, mails: int = 30) -> list[Message]:
    """What SES publishes about a week's mail, in order: of each domain and day some bounce, some are complained of."""
    rolls = random.Random(seed)
    messages = []
    for day in WEEK:
        for domain in DOMAINS:
            for number in range(mails):
                sent = datetime.combine(day, time(rolls.randrange(24), rolls.randrange(60), rolls.randrange(60)), UTC)
                mail = f"{domain}-{day}-{number:03d}"
                to = f"{mail}@rcpt.example"
                kinds = ["send", "bounce" if number % 5 == 0 else "delivery"]
                kinds += ["complaint"] if number % 7 == 1 and number % 5 else []
                at = min(sent + timedelta(seconds=3), datetime.combine(day, time(23, 59, 59), UTC))
                messages += [
                    Message(domain, day, kind, mail, to, sent if kind == "send" else at, sent) for kind in kinds
                ]
    return messages


def withheld(messages: Iterable[Message], seed: int = 11) -> set[Message]:
    """A tenth of them, of every kind."""
    rolls = random.Random(seed)
    return {message for message in messages if rolls.random() < 0.1}


def places(messages: Iterable[Message]) -> Counter[Place]:
    """How many there are by domain, day and kind."""
    return Counter(message.place for message in messages)


def settings_for(aws: FakeAws, mongodb_uri: str, topic: str = "") -> Settings:
    """A service that asks this AWS."""
    return Settings(
        mongodb_uri=mongodb_uri,
        sns_topic_arns=(topic or "arn:aws:sns:eu-north-1:123456789012:ses-events",),
        sns_trusted_origins=(aws.origin,),
        log_level="error",
        aws_sdk_region="eu-north-1",
        aws_sdk_access_key_id="AKIAEXAMPLE",
        aws_sdk_secret_access_key="secret",
        aws_endpoint_url=aws.origin,
    )


def begin(teller: Teller) -> None:
    """The service heard its first message two days before that week."""
    at = datetime.combine(WEEK[0] - timedelta(days=2), time(12), UTC)
    teller.tell(*(payload("Send", f"first-{domain}", f"first@{domain}", domain=domain, at=at) for domain in DOMAINS))
    teller.post()


def aws_knows(aws: FakeAws, messages: Iterable[Message]) -> None:
    """VDM counts all of them, and the suppression list has each bounce and complaint."""
    for (domain, day, kind), count in places(messages).items():
        aws.ses.vdm[domain, METRICS[kind], day] = count
    for message in messages:
        if reason := REASONS.get(message.kind):
            feedback = f"{message.kind}-{message.mail}"
            aws.ses.suppressed[message.to] = Suppressed(message.to, reason, message.at, message.mail, feedback)


def statistics(messages: Iterable[Message], offset: timedelta = timedelta()) -> list[dict[str, Any]]:
    """The same as GetSendStatistics tells it: the whole account, by quarters of an hour."""
    columns = {"send": "DeliveryAttempts", "bounce": "Bounces", "complaint": "Complaints"}
    points: dict[datetime, Counter[str]] = {}
    for message in messages:
        if column := columns.get(message.kind):
            points.setdefault(quarter(message.at, offset), Counter())[column] += 1
    empty = dict.fromkeys((*columns.values(), "Rejects"), 0)
    return [{"Timestamp": slot, **empty, **counted} for slot, counted in sorted(points.items())]


def quarter(at: datetime, offset: timedelta = timedelta()) -> datetime:
    """The beginning of the quarter of an hour that this is in."""
    moved = at - offset
    return moved.replace(minute=moved.minute // 15 * 15, second=0, microsecond=0) + offset
