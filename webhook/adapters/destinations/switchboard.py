"""Which destination an endpoint's kind leads to."""

from collections.abc import Callable, Mapping
from typing import Self

from webhook.adapters.destinations.aws import Aws, AwsAccess
from webhook.adapters.destinations.chat import Chat
from webhook.adapters.destinations.email import Email
from webhook.adapters.destinations.eventbridge import EventBridge
from webhook.adapters.destinations.ports import Destination, Mailer, Now, Unseal, Web
from webhook.adapters.destinations.ses import SesMailer
from webhook.adapters.destinations.smtp import SmtpMailer, SmtpServer
from webhook.adapters.destinations.sns import Sns
from webhook.adapters.destinations.sqs import Sqs
from webhook.adapters.destinations.webhook import Webhook
from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import Answer, DeliveryFailed
from webhook.domain.endpoints import Endpoint, Format, Kind
from webhook.domain.rendering.chat import slack, teams
from webhook.domain.rendering.headers import check_headers
from webhook.errors import Invalid


class Destinations:
    """All kinds. What `deliver` needs was checked by `check` when the endpoint was made."""

    def __init__(self, kinds: Mapping[Kind, Destination]) -> None:
        self._kinds = dict(kinds)

    @classmethod
    def over(
        cls,
        web: Web,
        unseal: Unseal,
        now: Now,
        monotonic: Callable[[], float],
        *,
        source: str | None = None,
        aws: AwsAccess | None = None,
        mail_from: str | None = None,
        smtp: SmtpServer | None = None,
    ) -> Self:
        """Every kind there is.

        Args:
            web: asks web servers.
            unseal: opens an endpoint's sealed secret; raises Misconfigured if it can't.
            now: the present moment.
            monotonic: seconds since an arbitrary start.
            source: what CloudEvents say they come from: the public address of this service, or None.
            aws: credentials and region; None is boto3's own chain.
            mail_from: the address that alerts by e-mail come from; without it there are none.
            smtp: the server that sends them; without it SES does.
        """
        amazon = Aws(aws or AwsAccess(), monotonic)
        mailer: Mailer = SmtpMailer(smtp, monotonic) if smtp else SesMailer(amazon)
        return cls(
            {
                Kind.WEBHOOK: Webhook(web, unseal, now, source or "urn:ses-sentinel"),
                Kind.SLACK: Chat(web, slack, "Slack", now),
                Kind.TEAMS: Chat(web, teams, "Teams", now),
                Kind.SNS: Sns(amazon),
                Kind.SQS: Sqs(amazon),
                Kind.EVENTBRIDGE: EventBridge(amazon),
                Kind.EMAIL: Email(mailer, mail_from, now),
            }
        )

    def check(self, kind: Kind, url: str, headers: Mapping[str, str], form: Format) -> None:
        """Whether an endpoint can be made like this; raises Invalid naming `url`, `headers` or `format`."""
        if kind is not Kind.WEBHOOK:
            if headers:
                raise Invalid("headers", f"an endpoint of kind {kind} has no headers", "leave them out")
            if form is not Format.STANDARD:
                raise Invalid("format", f"an endpoint of kind {kind} has a form of its own", "leave it out")
        check_headers(headers)
        self._kinds[kind].check(url)

    def deliver(self, endpoint: Endpoint, alert: Alert, attempt: int) -> Answer:
        """Delivers once. `attempt` counts from 1 and is told to webhooks.

        Raises:
            DeliveryFailed: it was not taken, or could not be sent.
        """
        try:
            return self._kinds[endpoint.kind].deliver(endpoint, alert, attempt)
        except Invalid as error:  # a setting has changed since the endpoint was made
            raise DeliveryFailed(False, f"{error.detail}: {error.hint}") from error
