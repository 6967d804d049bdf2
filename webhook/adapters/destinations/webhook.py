"""A customer's own program: a signed POST as in Standard Webhooks."""

from collections.abc import Iterator

from webhook.adapters.destinations.ed25519 import ed25519_signer
from webhook.adapters.destinations.ports import Now, Unseal, Web
from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import Answer, DeliveryFailed, judged
from webhook.domain.endpoints import Endpoint, Format
from webhook.domain.key_pairs import PRIVATE_PREFIX
from webhook.domain.rendering.documents import CLOUDEVENTS, STANDARD, cloud_event, standard
from webhook.domain.rendering.headers import is_ours
from webhook.domain.signing import Signer, hmac_signer, signed_headers
from webhook.errors import Misconfigured


class Webhook:
    """POSTs the alert, signed with each of the endpoint's secrets that are valid at that moment.

    `source` is what CloudEvents say they come from.
    """

    def __init__(self, web: Web, unseal: Unseal, now: Now, source: str) -> None:
        self._web = web
        self._unseal = unseal
        self._now = now
        self._source = source

    def check(self, url: str) -> None:
        """Raises Invalid naming `url` if the address may not be asked."""
        self._web.check(url)

    def deliver(self, endpoint: Endpoint, alert: Alert, attempt: int) -> Answer:
        """One POST; raises DeliveryFailed for every answer but 2xx."""
        now = self._now()
        body, content_type = self._body(endpoint, alert)
        try:
            headers = {name: self._header(endpoint, name) for name in endpoint.headers if not is_ours(name)}
            signed = signed_headers(alert.id, now, body, [*self._signers(endpoint)])
        except (Misconfigured, ValueError) as error:
            raise DeliveryFailed(False, f"this can't be signed: {error}") from error
        headers |= {"Content-Type": content_type, "Sentinel-Attempt": str(attempt)} | signed
        reply = self._web.post(endpoint.url, headers, body)
        return judged(reply.status, reply.headers, reply.body, reply.ms, self._now())

    def _body(self, endpoint: Endpoint, alert: Alert) -> tuple[bytes, str]:
        if endpoint.format is Format.CLOUDEVENTS:
            return cloud_event(alert, self._source), CLOUDEVENTS
        return standard(alert), STANDARD

    def _header(self, endpoint: Endpoint, name: str) -> str:
        value = endpoint.headers[name]
        return self._unseal(value) if endpoint.headers_sealed else value

    def _signers(self, endpoint: Endpoint) -> Iterator[Signer]:
        for secret in endpoint.secrets_at(self._now()):
            text = self._unseal(secret.sealed)
            yield ed25519_signer(text) if text.startswith(PRIVATE_PREFIX) else hmac_signer(text)
