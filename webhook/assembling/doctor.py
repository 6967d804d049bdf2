"""What `doctor` works with."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime

from webhook.adapters.aws.survey import SesSurvey
from webhook.adapters.aws.survey_rules import RuleSurvey
from webhook.adapters.aws.survey_topics import TopicSurvey
from webhook.adapters.clock import Clock
from webhook.adapters.front import FrontDoor
from webhook.adapters.mongo.registered import Registered
from webhook.amazon import Amazon
from webhook.aws import PATIENT, amazon
from webhook.bootstrap import usable_database
from webhook.config import Settings
from webhook.domain.queues import Queue
from webhook.domain.wiring import Scope
from webhook.errors import AwsError
from webhook.examination import Examination, Examiner, Region, Scopes, roles
from webhook.examination.roles import Tell


class Doctor:
    """Examines what the settings say should be."""

    def __init__(
        self, settings: Settings, amazon: Amazon, registered: roles.Registered, now: Callable[[], datetime], tell: Tell
    ) -> None:
        self._amazon = amazon
        self._now = now
        self._scope = scope(settings)
        scopes = Scopes(self._scope, lambda url: Queue.from_url(url).region)
        self._examiner = Examiner(scopes, self._region, FrontDoor(now), registered, now=now, tell=tell)

    def examine(self, regions: Sequence[str], domains: Sequence[str]) -> Examination:
        """Everything in these regions; none named: that of the settings, and those of SNS_TOPIC_ARNS."""
        if regions:
            return self._examiner.examine(tuple(dict.fromkeys(regions)), domains)
        of_topics = [arn.split(":")[3] for arn in self._scope.topics]
        try:
            home, without = [self._amazon.region], None
        except AwsError as error:
            home, without = [], error
        return self._examiner.examine(tuple(dict.fromkeys([*home, *of_topics])), domains, without)

    def _region(self, name: str) -> Region:
        return Region(
            name,
            SesSurvey(self._amazon, name, self._now),
            TopicSurvey(self._amazon, name),
            RuleSurvey(self._amazon, name),
        )


def scope(settings: Settings) -> Scope:
    """What the settings say should be."""
    return Scope(
        topics=settings.sns_topic_arns,
        public_url=settings.public_url,
        queues=settings.sqs_queue_urls,
        configuration_set=settings.ses_configuration_set,
        home=settings.aws_sdk_region,
    )


@contextmanager
def open_doctor(settings: Settings, tell: Tell) -> Iterator[Doctor]:
    """The doctor, for a command; raises Misconfigured or Unavailable if the settings' database is of no use."""
    clock = Clock()
    with usable_database(settings) as db, closing(amazon(db, settings, clock, patience=PATIENT)) as way:
        yield Doctor(settings, way, Registered(db), clock.now, tell)
