"""The end of the set-up: SNS asks whether we want the messages, and our own service must answer it."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from webhook.domain.blueprint import Kind, Resource
from webhook.domain.topics import TopicAllowList
from webhook.setup.roles import Site, Tell

#: Seconds between two looks.
LOOK = 2.0
CONFIRMED = "confirmed"
_ELSEWHERE = (
    "SNS has the confirmation, but this installation's database has not: PUBLIC_URL leads to another one, or "
    "MONGODB_URI here is not the service's."
)

#: Subscriptions as our service noted them: a topic's ARN to `{"state", "arn"}`.
Noted = Callable[[], Mapping[str, Mapping[str, Any]]]
#: What PUBLIC_URL answers from here: None if it is our service, else what is wrong in plain words.
Knock = Callable[[str], str | None]


class Confirmation(Struct, frozen=True):
    """How it stands with one subscription; `reasons` say why it may not have worked, the surest first."""

    region: str
    topic: str
    confirmed: bool
    noted: bool
    reasons: tuple[str, ...] = ()

    @property
    def arrived(self) -> bool:
        """Whether SNS has the confirmation, and this installation gave it."""
        return self.confirmed and self.noted


class Waiting:
    """Waits until subscriptions are confirmed, and finds reasons where they aren't."""

    def __init__(
        self,
        noted: Noted,
        knock: Knock,
        *,
        topic_arns: Sequence[str],
        public_url: str,
        pause: Callable[[float], None],
        monotonic: Callable[[], float],
        tell: Tell,
    ) -> None:
        self._noted = noted
        self._knock = knock
        self._topic_arns = topic_arns
        self._public_url = public_url
        self._pause = pause
        self._monotonic = monotonic
        self._tell = tell

    def wait(self, subscriptions: Sequence[tuple[Site, Resource]], seconds: float) -> list[Confirmation]:
        """How each stands when all are confirmed or the time is over; raises AwsError."""
        start = self._monotonic()
        told = 0.0
        while True:
            states = [self._look(site, resource) for site, resource in subscriptions]
            waited = self._monotonic() - start
            if waited >= seconds or all(state.arrived for state in states):
                break
            if waited >= told:
                missing = ", ".join(state.region for state in states if not state.arrived)
                self._tell(f"waiting for SNS's confirmation to arrive ({missing}), {seconds - waited:.0f} s left")
                told = waited + 10
            self._pause(min(LOOK, seconds - waited))
        return [state if state.arrived else self._explained(state) for state in states]

    def _look(self, site: Site, resource: Resource) -> Confirmation:
        topic = resource.properties["TopicArn"]
        found = site.handlers[Kind.SUBSCRIPTION].read(resource)
        note = self._noted().get(topic, {})
        confirmed = found is not None and not found.pending
        # An older note may be of a subscription that is no more.
        noted = note.get("state") == CONFIRMED and (not found or note.get("arn") in (None, "", found.reference))
        return Confirmation(site.place.region, topic, confirmed, noted)

    def _explained(self, state: Confirmation) -> Confirmation:
        return Confirmation(state.region, state.topic, state.confirmed, state.noted, tuple(self._reasons(state)))

    def _reasons(self, state: Confirmation) -> list[str]:
        if state.confirmed:
            return [_ELSEWHERE]
        surely: list[str] = []
        perhaps: list[str] = []
        if not TopicAllowList.from_patterns(self._topic_arns).allows(state.topic):
            surely.append(f"SNS_TOPIC_ARNS does not have {state.topic}: add it and start the service again.")
        else:
            perhaps.append("The service may have started before SNS_TOPIC_ARNS had the topic: start it again.")
        if is_private(self._public_url):
            surely.append(f"PUBLIC_URL is {self._public_url}, which SNS can't reach from outside: use a public name.")
        elif wrong := self._knock(self._public_url):
            surely.append(f"PUBLIC_URL does not answer from here: {wrong}.")
        perhaps.append("A firewall, or a certificate that is not publicly trusted, may keep SNS from PUBLIC_URL.")
        return [*surely, *perhaps]


def is_private(url: str) -> bool:
    """Whether an address leads to this machine or a private network by its very name."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False
