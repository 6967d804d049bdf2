"""Who we are at AWS, and what SES says of the account, its identities and its configuration sets."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from webhook.amazon import Amazon
from webhook.domain.blueprint import Place
from webhook.domain.ses import AccountState
from webhook.domain.wiring import ConfigurationSet, Destination, Identity
from webhook.errors import AwsError

#: Identities that one page of their list, and one question about their notifications (SES's first API), may have.
PAGE, ASKED = 1000, 100
T = TypeVar("T")
_KINDS = ("Bounce", "Complaint", "Delivery")


class SesSurvey:
    """Reads one region of SES. Each method raises AwsError; what is not there is None."""

    def __init__(self, amazon: Amazon, region: str, now: Callable[[], datetime]) -> None:
        self._amazon = amazon
        self._region = region
        self._now = now
        #: Seconds by which AWS's clock is ahead of ours, once it has answered at all.
        self.skew: float | None = None

    def place(self) -> Place:
        """The account that the credentials belong to, in this region. Also notes how AWS's clock differs from ours."""
        try:
            answer = self._amazon.call("sts", "GetCallerIdentity", {}, region=self._region)
        except AwsError as error:
            # A clock that is wrong is a reason to be refused: the refusal bears AWS's time, too.
            self._compare(getattr(error.__cause__, "response", {}))
            raise
        self._compare(answer)
        return Place(answer["Arn"].split(":")[1], self._region, answer["Account"])

    def _compare(self, answer: Mapping[str, Any]) -> None:
        told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        self.skew = seconds_ahead(told, self._now())

    def account(self) -> AccountState:
        """The account in this region."""
        answer = self._amazon.call("sesv2", "GetAccount", {}, region=self._region)
        quota = answer.get("SendQuota", {})
        return AccountState(
            region=self._region,
            production_access=bool(answer.get("ProductionAccessEnabled")),
            sending_enabled=bool(answer.get("SendingEnabled")),
            enforcement_status=answer.get("EnforcementStatus") or "HEALTHY",
            max_24_hour_send=_bounded(quota.get("Max24HourSend")),
            sent_last_24_hours=float(quota.get("SentLast24Hours") or 0),
            max_send_rate=_bounded(quota.get("MaxSendRate")),
        )

    def identities(self) -> dict[str, bool]:
        """All identities by name, in order; True for a domain."""
        pages = self._amazon.pages("sesv2", "ListEmailIdentities", {"PageSize": PAGE}, region=self._region)
        rows = [row for page in pages for row in page.get("EmailIdentities", [])]
        return {row["IdentityName"]: row.get("IdentityType") != "EMAIL_ADDRESS" for row in _by_name(rows)}

    def identity(self, name: str) -> Identity | None:
        """An identity, without its notifications."""
        asked = {"EmailIdentity": name}
        answer = found(lambda: self._amazon.call("sesv2", "GetEmailIdentity", asked, region=self._region))
        if answer is None:
            return None
        return Identity(
            name=name,
            default_set=answer.get("ConfigurationSetName") or None,
            forwarding=bool(answer.get("FeedbackForwardingStatus")),
        )

    def notifications(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Which topic hears of which kind of feedback, for each of up to ASKED identities."""
        asked = {"Identities": list(names)}
        answer = self._amazon.call("ses", "GetIdentityNotificationAttributes", asked, region=self._region)
        told = answer.get("NotificationAttributes", {})
        return {
            name: {kind: topic for kind in _KINDS if (topic := told.get(name, {}).get(f"{kind}Topic"))}
            for name in names
        }

    def configuration_set(self, name: str) -> ConfigurationSet | None:
        """A set, without its destinations."""
        asked = {"ConfigurationSetName": name}
        answer = found(lambda: self._amazon.call("sesv2", "GetConfigurationSet", asked, region=self._region))
        if answer is None:
            return None
        return ConfigurationSet(
            name=name,
            sending=bool(answer.get("SendingOptions", {}).get("SendingEnabled", True)),
            metrics=bool(answer.get("ReputationOptions", {}).get("ReputationMetricsEnabled")),
        )

    def destinations(self, name: str) -> tuple[Destination, ...]:
        """Where a set publishes its events."""
        asked = {"ConfigurationSetName": name}
        answer = self._amazon.call("sesv2", "GetConfigurationSetEventDestinations", asked, region=self._region)
        return tuple(
            Destination(
                name=one["Name"],
                enabled=bool(one.get("Enabled")),
                types=frozenset(one.get("MatchingEventTypes", [])),
                topic=one.get("SnsDestination", {}).get("TopicArn"),
            )
            for one in answer.get("EventDestinations", [])
        )


def found(ask: Callable[[], T]) -> T | None:
    """The answer, or None where AWS says that there is no such thing."""
    try:
        return ask()
    except AwsError as error:
        if error.code != "aws_not_found":
            raise
        return None


def seconds_ahead(date: str | None, now: datetime) -> float | None:
    """By how much the clock that wrote an HTTP date is ahead of `now`; None if it wrote none that can be read."""
    try:
        told = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return ((told if told.tzinfo else told.replace(tzinfo=UTC)) - now).total_seconds()


def _by_name(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: str(row["IdentityName"]))


def _bounded(figure: float | None) -> float | None:
    return None if figure is None or figure < 0 else float(figure)
