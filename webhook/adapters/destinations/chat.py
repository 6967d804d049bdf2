"""A channel of Slack, of Teams, or of what takes their messages: by an incoming webhook."""

from collections.abc import Callable

from webhook.adapters.destinations.ports import Now, Web
from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import Answer, judged
from webhook.domain.endpoints import Endpoint

_JSON = {"Content-Type": "application/json"}


class Chat:
    """POSTs the alert, as `render` tells it, to the secret address that the service made for the channel."""

    def __init__(self, web: Web, render: Callable[[Alert], bytes], service: str, now: Now) -> None:
        self._web = web
        self._render = render
        self._service = service
        self._now = now

    def check(self, url: str) -> None:
        """Raises Invalid naming `url` if the address may not be asked."""
        self._web.check(url)

    def deliver(self, endpoint: Endpoint, alert: Alert, _attempt: int) -> Answer:
        """One POST; raises DeliveryFailed for every answer but 2xx."""
        reply = self._web.post(endpoint.url, _JSON, self._render(alert))
        return judged(reply.status, reply.headers, reply.body, reply.ms, self._now(), host=self._service)
