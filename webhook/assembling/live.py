"""What `doctor --live` works with."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime

from msgspec.structs import replace

from webhook.adapters.aws.dead_letters import DeadLetters
from webhook.adapters.aws.links import TopicFigures
from webhook.adapters.aws.survey import SesSurvey
from webhook.adapters.aws.survey_rules import RuleSurvey
from webhook.adapters.aws.survey_topics import TopicSurvey
from webhook.adapters.clock import Clock
from webhook.adapters.front import FrontDoor
from webhook.adapters.mongo.limiter import Limiter
from webhook.adapters.mongo.trials import Trials
from webhook.adapters.outcomes import Outcomes
from webhook.adapters.ses.client import SesApi
from webhook.amazon import Access, Amazon, Reserve
from webhook.assembling.doctor import scope
from webhook.aws import PATIENT, access
from webhook.bootstrap import usable_database
from webhook.config import Settings
from webhook.domain.findings import Finding
from webhook.domain.live import Counted, Sender, narrowed
from webhook.domain.queues import Queue
from webhook.domain.wiring import Identity, front_judged, judged
from webhook.errors import AwsError, Limited
from webhook.examination import Region, Scopes
from webhook.examination.attempts import Attempts
from webhook.examination.reading import Reader
from webhook.live import Show, Trial
from webhook.live.roles import Timing


class Links:
    """Plays `live.roles.Chain` for one region; what AWS does not tell is a finding, or nothing."""

    def __init__(self, settings: Settings, amazon: Amazon, region: str, now: Callable[[], datetime]) -> None:
        scopes = Scopes(scope(settings), lambda url: Queue.from_url(url).region)
        self._scope = scopes.of(region, first=True)
        self._region = Region(
            region, SesSurvey(amazon, region, now), TopicSurvey(amazon, region), RuleSurvey(amazon, region)
        )
        self._door = FrontDoor(now)
        self._dead_letters = DeadLetters(amazon, self._scope.topics, settings.public_url, ())
        self._topics = TopicSurvey(amazon, region)
        self._figures = TopicFigures(amazon, region)
        here = f"http://127.0.0.1:{settings.port}"
        self._outcomes = Outcomes([settings.public_url, here] if settings.public_url else [here])
        self._now = now

    def identity(self, name: str) -> tuple[Identity | None, bool]:
        """The identity as SES has it, and whether SES could be asked."""
        try:
            return self._region.mailing.identity(name), True
        except (AwsError, Limited):
            return None, False

    def buried(self) -> dict[str, int]:
        """How many messages about lie in each dead-letter queue of ours, by its address."""
        try:
            seen = {queue.url: self._topics.queue(queue.url) for queue in self._dead_letters.queues()}
        except AwsError:
            return {}
        return {queue.arn.rpartition(":")[2]: queue.waiting for queue in seen.values() if queue}

    def answers(self) -> Mapping[str, int] | None:
        """How often this service has answered with which word."""
        return self._outcomes.read()

    def counted(self, since: datetime) -> Counted | None:
        """What CloudWatch has counted at the topics that the settings name."""
        topics = [arn for arn in self._scope.topics if not arn.endswith("*")]
        try:
            return self._figures.since(since, self._now(), topics)
        except AwsError:
            return None

    def findings(self, sender: Sender, tell: Callable[[str], None]) -> tuple[Finding, ...]:
        """All that is not as it should be on the way of this sender's mail, and at PUBLIC_URL."""
        attempts = Attempts()
        found: list[Finding] = []
        with attempts.at(f"anything in {self._region.name}"):
            place = self._region.mailing.place()
            wanted = replace(self._scope, configuration_set=sender.configuration_set)
            reader = Reader(self._region, wanted, [sender.identity], attempts, tell)
            found += judged(narrowed(reader.read(place, frozenset()), sender))
        url = self._scope.public_url
        front = self._door.knock(url) if url else None
        found += front_judged(front, self._now(), by_queue=bool(self._scope.queues))
        return (*attempts.findings, *found)


@contextmanager
def open_live(settings: Settings, show: Show, region: str | None = None) -> Iterator[Trial]:
    """A trial in this region, else in that of the settings.

    Raises:
        Misconfigured, Unavailable: the settings' database is of no use.
        AwsError: no region is set.
    """
    clock = Clock()
    way = access(settings, region)
    with ExitStack() as stack:
        db = stack.enter_context(usable_database(settings))
        reserve = Limiter(db, clock.now).reserve
        amazon = stack.enter_context(closing(Amazon(way, reserve, clock.sleep, patience=PATIENT)))
        ses = stack.enter_context(closing(ses_of(way, reserve, clock)))
        records = Trials(db, clock.now)
        yield trial(settings, amazon, ses, records, reserve=reserve, clock=clock, show=show)


def ses_of(access: Access, reserve: Reserve, clock: Timing) -> SesApi:
    """SES by this way."""
    return SesApi(
        region=access.region,
        access_key_id=access.access_key_id,
        secret_access_key=access.secret_access_key,
        endpoint_url=access.endpoint_url,
        reserve=reserve,
        pause=clock.sleep,
        patience=PATIENT,
    )


def trial(
    settings: Settings, amazon: Amazon, ses: SesApi, records: Trials, *, reserve: Reserve, clock: Timing, show: Show
) -> Trial:
    """A trial in the region of these ways to AWS."""
    links = Links(settings, amazon, amazon.region, clock.now)
    return Trial(
        ses,
        records,
        links,
        common_set=settings.ses_configuration_set,
        by_queue=bool(settings.sqs_queue_urls),
        reserve=reserve,
        clock=clock,
        show=show,
    )
