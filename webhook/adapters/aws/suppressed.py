"""SES's account-level suppression list: whom SES no longer writes to, and which mail was the cause."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from webhook.amazon import Amazon
from webhook.domain.restoring import Listed
from webhook.errors import AwsError

#: The most that SES gives at once.
PAGE = 1000


class SuppressionList:
    """Plays `gaps.restoring.SuppressionList` and `syncing.ports.TheirList`: one call a second of the whole account.

    Addresses are asked for in the letters of the list: SES tells capitals from small ones. Raises AwsError, Limited.
    """

    def __init__(self, amazon: Amazon) -> None:
        self._amazon = amazon

    def since(self, at: datetime) -> Iterator[Listed]:
        """Addresses that came on the list since then, a thousand for each call."""
        token: str | None = None
        while True:
            listed, token = self.page(at, token)
            yield from listed
            if not token:
                return

    def page(self, since: datetime | None, token: str | None) -> tuple[list[Listed], str | None]:
        """A thousand addresses that changed since then (None: all), and the token of the next page."""
        request: dict[str, Any] = {"PageSize": PAGE}
        if since is not None:
            request["StartDate"] = since
        if token:
            request["NextToken"] = token
        answer = self._amazon.call("sesv2", "ListSuppressedDestinations", request)
        return [_listed(one) for one in answer.get("SuppressedDestinationSummaries") or ()], answer.get("NextToken")

    def find(self, address: str) -> Listed | None:
        """One address; None if it is not on the list."""
        told = self._get(address)
        return _listed(told) if told else None

    def cause(self, address: str) -> tuple[str, str] | None:
        """The SES id of the mail and the feedback id that brought it there; None if a person did, or it is gone."""
        told = self._get(address).get("Attributes") or {}
        return (told["MessageId"], told.get("FeedbackId") or "") if told.get("MessageId") else None

    def put(self, address: str, reason: str) -> None:
        """Puts it on the list, or anew: its LastUpdateTime is then."""
        self._amazon.call("sesv2", "PutSuppressedDestination", {"EmailAddress": address, "Reason": reason})

    def delete(self, address: str) -> bool:
        """Takes it off; False if it was not there."""
        try:
            self._amazon.call("sesv2", "DeleteSuppressedDestination", {"EmailAddress": address})
        except AwsError as error:
            if error.code == "aws_not_found":
                return False
            raise
        return True

    def _get(self, address: str) -> Mapping[str, Any]:
        try:
            answer = self._amazon.call("sesv2", "GetSuppressedDestination", {"EmailAddress": address})
        except AwsError as error:
            if error.code == "aws_not_found":
                return {}
            raise
        found: Mapping[str, Any] = answer.get("SuppressedDestination") or {}
        return found


def _listed(told: Mapping[str, Any]) -> Listed:
    at = told["LastUpdateTime"].astimezone(UTC)
    # To the millisecond, as MongoDB keeps it: two readings of one entry are then equal.
    return Listed(told["EmailAddress"], told["Reason"], at.replace(microsecond=at.microsecond // 1000 * 1000))
