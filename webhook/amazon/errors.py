"""What AWS and the way to it answer when they don't do it, as one plain sentence and the fix."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from webhook.amazon.meanings import (
    AGAIN,
    BAD_CREDENTIALS,
    BUSY,
    CREDENTIALS,
    DENIED,
    MEANINGS,
    SANDBOX,
    THROTTLED,
    UNKNOWN,
    Meaning,
)
from webhook.errors import AwsError

_ACTION = re.compile(r"not authorized to perform:?\s*`?([a-z0-9-]+:[A-Za-z*]+)", re.ASCII)
_DETAIL_MAX = 300
#: How a service is called, and the prefix of its actions in IAM where that differs from boto3's name for it.
_NAMES = {
    "ce": "Cost Explorer",
    "cloudformation": "CloudFormation",
    "cloudwatch": "CloudWatch",
    "events": "EventBridge",
    "health": "AWS Health",
    "pricing": "AWS's price list",
    "ses": "SES",
    "sesv2": "SES",
}
_PREFIXES = {"sesv2": "ses"}
_NO_CREDENTIALS = Meaning("aws_no_credentials", "There are no AWS credentials", CREDENTIALS)
_NO_REGION = Meaning("aws_no_region", "No AWS region is set", "Set AWS_SDK_REGION, for example to eu-north-1.")
_UNREACHABLE = Meaning(
    "aws_unreachable",
    "{service} cannot be reached: {told}",
    "Check this machine's way to the internet, AWS_SDK_REGION and AWS_ENDPOINT_URL; it is tried again by itself.",
    True,
    30,
)
_TIMEOUT = Meaning("aws_timeout", "{service} did not answer in time", AGAIN, True, 15)

#: The first that fits holds: the order is from the particular to the general.
_WAYS: tuple[tuple[type[Exception], Meaning], ...] = (
    (boto.NoCredentialsError, _NO_CREDENTIALS),
    (boto.PartialCredentialsError, _NO_CREDENTIALS),
    (boto.CredentialRetrievalError, _NO_CREDENTIALS),
    (boto.ProfileNotFound, _NO_CREDENTIALS),
    (boto.SSOError, BAD_CREDENTIALS),
    (boto.NoRegionError, _NO_REGION),
    (boto.InvalidRegionError, _NO_REGION),
    (boto.ReadTimeoutError, _TIMEOUT),
    (boto.ConnectTimeoutError, _TIMEOUT),
    (boto.HTTPClientError, _UNREACHABLE),
    (boto.ConnectionError, _UNREACHABLE),
    (boto.ParamValidationError, UNKNOWN),
    (ResponseParserError, BUSY),
    (boto.BotoCoreError, UNKNOWN),
    (ValueError, Meaning("aws_unreachable", "AWS_ENDPOINT_URL is of no use: {told}", "Set it to an http address.")),
)
_FAILURES: tuple[type[Exception], ...] = (boto.ClientError, *(kind for kind, _ in _WAYS))


@contextmanager
def aws_errors(service: str, operation: str) -> Iterator[None]:
    """Turns what boto3 raises into AwsError; `service` as boto3 calls it, `operation` as the API does."""
    try:
        yield
    except _FAILURES as error:
        raise translated(error, service, operation) from error


def translated(error: Exception, service: str, operation: str) -> AwsError:
    """What an error of boto3 means: one of our codes, a sentence, the fix, and whether to try again."""
    if isinstance(error, boto.ClientError):
        meaning, told = _answered(error)
    else:
        meaning = next(meaning for kind, meaning in _WAYS if isinstance(error, kind))
        told = str(error)
    named = _ACTION.search(told)
    told = " ".join(told.split())[:_DETAIL_MAX].rstrip(". ") or operation
    action = named[1] if named else f"{_PREFIXES.get(service, service)}:{operation}"
    words = {"{action}": action, "{service}": _NAMES.get(service, service.upper()), "{told}": told}
    detail, hint = meaning.detail, meaning.hint
    for place, word in words.items():
        detail, hint = detail.replace(place, word), hint.replace(place, word)
    return AwsError(
        meaning.code,
        detail,
        hint,
        retryable=meaning.retryable,
        retry_after=meaning.retry_after,
    )


def _answered(error: boto.ClientError) -> tuple[Meaning, str]:
    """The meaning of an answer by its code, else by its HTTP status; and what AWS wrote."""
    given = error.response.get("Error", {})
    code, told = str(given.get("Code", "")), str(given.get("Message", "")) or str(given.get("Code", ""))
    if code == "MessageRejected" and "not verified" in told:
        return SANDBOX, told
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    by_status = {401: BAD_CREDENTIALS, 403: DENIED, 429: THROTTLED}.get(status, BUSY if status >= 500 else UNKNOWN)
    return MEANINGS.get(code, by_status), told
