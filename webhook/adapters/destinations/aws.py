"""Calls of AWS services on behalf of destinations, and what goes wrong with them in one sentence."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import DeliveryFailed

# The schedule of attempts decides when to try again, not boto3.
_ONCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1, "mode": "standard"})
_NO_ACCESS = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"})
_BAD_CREDENTIALS = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "ExpiredToken", "InvalidSecurity"}
)
_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:(?P<service>[a-z]+):(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<name>\S+)")


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """How AWS is reached; what is None is left to boto3's own chain."""

    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    endpoint_url: str | None = None


class Arn(msgspec.Struct, frozen=True):
    """The parts of an Amazon resource name that destinations need."""

    service: str
    region: str
    name: str

    @classmethod
    def from_text(cls, text: str) -> "Arn | None":
        """Read it; None if it is none."""
        match = _ARN.fullmatch(text) if len(text) <= 1000 and text.isascii() else None
        return cls(match["service"], match["region"], match["name"]) if match else None


class Aws:
    """One client for each service and region, shared by threads."""

    def __init__(self, access: AwsAccess, monotonic: Callable[[], float]) -> None:
        self.access = access
        self._monotonic = monotonic
        self._lock = Lock()
        self._clients: dict[tuple[str, str | None], object] = {}

    def call(
        self, service: str, region: str | None, operation: str, parameters: Mapping[str, object]
    ) -> tuple[Mapping[str, Any], int]:
        """What AWS answered, and after how many milliseconds.

        Raises:
            DeliveryFailed: it was refused, or there was no answer; never permanent, since permissions come and go.
        """
        begun = self._monotonic()
        try:
            answer = getattr(self._client(service, region), operation)(**parameters)
        # A bad endpoint_url is a ValueError.
        except (BotoCoreError, ClientError, ValueError) as error:
            raise _failure(service, operation, error, self._since(begun)) from error
        return answer, self._since(begun)

    def _since(self, begun: float) -> int:
        return round((self._monotonic() - begun) * 1000)

    def _client(self, service: str, region: str | None) -> object:
        with self._lock:  # making clients is not safe among threads, using them is
            key = (service, region or self.access.region)
            if key not in self._clients:
                session = boto3.session.Session(
                    aws_access_key_id=self.access.access_key_id,
                    aws_secret_access_key=self.access.secret_access_key,
                    region_name=key[1],
                )
                make: Callable[..., object] = session.client
                self._clients[key] = make(service, endpoint_url=self.access.endpoint_url, config=_ONCE)
            return self._clients[key]


def _failure(service: str, operation: str, error: Exception, ms: int) -> DeliveryFailed:
    name, status, body = service.upper(), None, ""
    match error:
        case ClientError():
            told = error.response.get("Error", {})
            code, body = told.get("Code", "unknown"), told.get("Message", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            detail = f"{name} refuses it ({code}): {_hint(code, service, operation) or body or 'it does not say why'}"
        case NoCredentialsError() | PartialCredentialsError():
            detail = "there are no AWS credentials: set AWS_SDK_ACCESS_KEY_ID and AWS_SDK_SECRET_ACCESS_KEY"
        case NoRegionError():
            detail = "there is no AWS region: set AWS_SDK_REGION"
        case _:
            detail = f"{name} can't be reached: {error}"
    return DeliveryFailed(False, detail, status, ms=ms, body_cut=body[:1000])


def _hint(code: str, service: str, operation: str) -> str:
    if code in _NO_ACCESS:
        action = "".join(part.capitalize() for part in operation.split("_"))
        return f"allow the action {'ses' if service == 'sesv2' else service}:{action} there"
    return "the AWS credentials are not valid: renew them" if code in _BAD_CREDENTIALS else ""


def group_of(alert: Alert) -> str:
    """What is told in order, where there is order: the alerts of a domain; at most 128 characters, as AWS wants."""
    return (alert.domain or "account")[-128:]


def attributes_of(alert: Alert) -> dict[str, dict[str, str]]:
    """`type` and `domain` as attributes by which subscribers filter."""
    values = {"type": alert.type.value} | ({"domain": alert.domain} if alert.domain else {})
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def ordered(alert: Alert, name: str) -> dict[str, str]:
    """What topics and queues that keep order want in addition: the group, and an id by which twice is once."""
    return {"MessageGroupId": group_of(alert), "MessageDeduplicationId": alert.id} if name.endswith(".fifo") else {}
