"""The audience of alerts: who is to get which. Each alert is looked up in it; nobody is asked about each of them."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from webhook.domain.alert_payloads import AlertType
from webhook.domain.endpoints import Endpoint, concerns, covers


class Audience:
    """Endpoints, by owner, type of alert and domain: it finds whoever `wants` an alert that does not concern himself.

    Whether they are enabled is not asked.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._of_owner: dict[str | None, list[Endpoint]] = {}
        for endpoint in endpoints:
            self._of_owner.setdefault(endpoint.owner, []).append(endpoint)
        self._asking = cache(self._find)

    def of(self, kind: AlertType, domain: str | None, owner: str | None, data: Mapping[str, Any]) -> list[str]:
        """The ids of those who are to get an alert of this type, about this domain of this owner, with this `data`."""
        asking = [self._asking(kind, one) for one in dict.fromkeys((None, owner))]
        wanting = (by_domain.get(name, ()) for by_domain in asking for name in dict.fromkeys((None, domain)))
        return [one.id for some in wanting for one in some if not concerns(one, data)]

    def _find(self, kind: AlertType, owner: str | None) -> Mapping[str | None, list[Endpoint]]:
        """An owner's endpoints that ask for a type, by the domains they ask for; None stands for all."""
        found: dict[str | None, list[Endpoint]] = {}
        for endpoint in self._of_owner.get(owner, ()):
            if any(covers(pattern, kind) for pattern in endpoint.types):
                for domain in endpoint.domains or (None,):
                    found.setdefault(domain, []).append(endpoint)
        return found
