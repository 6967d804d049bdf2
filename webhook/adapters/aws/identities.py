"""SES identities, domains and addresses alike, and the configuration set that their mail has by default."""

from collections.abc import Sequence
from typing import Any

from webhook.amazon import Amazon
from webhook.domain.blueprint import Difference, Found, Place, Resource
from webhook.errors import AwsError

#: Identities that one page of the list may have.
_PAGE = 1000


class Identities:
    """Looks after the default sets of the identities of one region. SES allows one call a second."""

    def __init__(self, amazon: Amazon, place: Place) -> None:
        self._amazon = amazon
        self._place = place

    def names(self) -> list[str]:
        """All identities, in order; an address that is one has a default set of its own."""
        request = {"PageSize": _PAGE}
        pages = self._amazon.pages("sesv2", "ListEmailIdentities", request, region=self._place.region)
        return sorted(listed["IdentityName"] for page in pages for listed in page.get("EmailIdentities", []))

    def read(self, resource: Resource) -> Found | None:
        """The identity's default set (None: it has none), or None if SES has no such identity."""
        request = {"EmailIdentity": resource.name}
        try:
            answer = self._amazon.call("sesv2", "GetEmailIdentity", request, region=self._place.region)
        except AwsError as error:
            if error.code != "aws_not_found":
                raise
            return None
        return Found(
            properties={"ConfigurationSetName": answer.get("ConfigurationSetName") or None}, reference=resource.name
        )

    def create(self, resource: Resource) -> None:
        """Sets the default set."""
        self._put(resource.name, {"ConfigurationSetName": resource.properties["ConfigurationSetName"]})

    def update(self, resource: Resource, _found: Found, _wrong: Sequence[Difference]) -> None:
        """Sets the default set."""
        self.create(resource)

    def delete(self, resource: Resource, _found: Found) -> None:
        """Takes the default set away; the identity stays."""
        try:
            self._put(resource.name, {})
        except AwsError as error:
            if error.code != "aws_not_found":
                raise

    def _put(self, name: str, chosen: dict[str, Any]) -> None:
        request = {"EmailIdentity": name, **chosen}
        self._amazon.call("sesv2", "PutEmailIdentityConfigurationSetAttributes", request, region=self._place.region)
