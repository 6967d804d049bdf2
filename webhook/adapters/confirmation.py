"""Confirming a subscription that SNS offers: through the AWS API where there are credentials, else by its address."""

import html
import re
from collections.abc import Callable
from typing import Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from webhook.domain.envelope import Envelope
from webhook.domain.topics import TopicArn
from webhook.errors import Unavailable

_SUBSCRIPTION = re.compile(rb"<SubscriptionArn>\s*([^<\s]{1,1000})\s*</SubscriptionArn>")
_BRIEFLY = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
# An expired token is a ClientError, an unusable endpoint_url a ValueError.
_REFUSALS = (BotoCoreError, ClientError, ResponseParserError, ValueError)


class _Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class SubscribeUrls(Protocol):
    """Who knows which confirmation addresses are safe to ask; the verifier does."""

    def check_subscribe_url(self, envelope: Envelope) -> None:
        """Return if the SubscribeURL is Amazon's own; raises `Rejected` otherwise."""
        ...

    def is_emulated(self, envelope: Envelope) -> bool:
        """Whether the SubscribeURL leads to an emulator that the operator trusts."""
        ...


class Confirmer:
    """Confirms subscriptions of envelopes that the verifier has passed.

    What is None of the AWS arguments is left to boto3's own chain of sources. The API is asked in the topic's region,
    and so that only the account's owner may unsubscribe afterwards; a SubscribeURL confirms without that protection,
    so it is used only where there are no credentials, or for an emulator.
    """

    def __init__(
        self,
        urls: SubscribeUrls,
        fetch: Callable[[str], _Answer],
        *,
        aws_region: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        self._urls = urls
        self._fetch = fetch
        self._region = aws_region
        self._key_id = aws_access_key_id
        self._secret = aws_secret_access_key
        self._endpoint_url = endpoint_url

    def confirm(self, envelope: Envelope) -> str:
        """Confirm, and return the subscription's ARN, or "" if SNS did not tell.

        Raises `Rejected` if the SubscribeURL is needed and not safe to ask, `Unavailable` for every other failure.
        """
        if self._urls.is_emulated(envelope):
            return self._by_address(envelope)
        try:
            session = self._session()
            if session.get_credentials() is None:
                return self._by_address(envelope)
            return self._through_api(session, envelope)
        except _REFUSALS as error:
            raise Unavailable(f"SNS did not confirm the subscription: {str(error).partition(chr(10))[0]}") from error

    def _session(self) -> boto3.Session:
        core = botocore.session.Session()
        # Off EC2 nobody answers for the instance's role; one short try, or each confirmation would hang.
        core.set_config_variable("metadata_service_timeout", 1)
        core.set_config_variable("metadata_service_num_attempts", 1)
        return boto3.Session(
            aws_access_key_id=self._key_id,
            aws_secret_access_key=self._secret,
            region_name=self._region,
            botocore_session=core,
        )

    def _through_api(self, session: boto3.Session, envelope: Envelope) -> str:
        region = TopicArn.from_text(envelope.topic_arn).region
        client = session.client("sns", region_name=region, endpoint_url=self._endpoint_url, config=_BRIEFLY)
        answer = client.confirm_subscription(
            TopicArn=envelope.topic_arn, Token=envelope.token or "", AuthenticateOnUnsubscribe="true"
        )
        subscription: str = answer.get("SubscriptionArn", "")
        return subscription

    def _by_address(self, envelope: Envelope) -> str:
        self._urls.check_subscribe_url(envelope)
        answer = self._fetch(envelope.subscribe_url or "")
        if answer.status != 200:
            raise Unavailable(f"SNS did not confirm the subscription: it answered {answer.status}")
        found = _SUBSCRIPTION.search(answer.body)
        return html.unescape(found[1].decode(errors="replace")) if found else ""
