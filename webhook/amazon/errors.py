"""What AWS and the way to it answer when they don't do it, as one plain sentence and the fix."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from webhook.errors import AwsError

_ACTION = re.compile(r"not authorized to perform:?\s*`?([a-z0-9-]+:[A-Za-z*]+)", re.ASCII)
_DETAIL_MAX = 300
#: How a service is called, and the prefix of its actions in IAM where that differs from boto3's name for it.
_NAMES = {"sesv2": "SES", "ses": "SES", "events": "EventBridge", "cloudwatch": "CloudWatch"}
_PREFIXES = {"sesv2": "ses"}
_AGAIN = "Nothing needs to be done: it is tried again by itself."
_CREDENTIALS = (
    "Set AWS_SDK_ACCESS_KEY_ID and AWS_SDK_SECRET_ACCESS_KEY to a key that is in force, or give this machine a role."
)


class Meaning(NamedTuple):
    """What one answer of AWS means to us; "{told}" in the detail is what AWS wrote, "{service}" who wrote it."""

    code: str
    detail: str
    hint: str
    retryable: bool = False
    retry_after: float = 60


_THROTTLED = Meaning("aws_throttled", "AWS is asked more often than it allows", _AGAIN, True, 2)
_BAD_CREDENTIALS = Meaning("aws_bad_credentials", "AWS does not accept the credentials: {told}", _CREDENTIALS)
_DENIED = Meaning(
    "aws_access_denied",
    "AWS does not allow {action} to these credentials",
    "Let an administrator of the AWS account add {action} to the IAM policy of this user or role.",
)
_BUSY = Meaning("aws_internal", "AWS could not do it just now: {told}", _AGAIN, True, 30)
_PAUSED = Meaning(
    "aws_sending_paused",
    "SES has paused sending: {told}",
    "Look at the account's status in the SES console under Reputation metrics, or resume what was paused on purpose.",
)
_SANDBOX = Meaning(
    "aws_sandbox",
    "SES does not take the mail since an identity is not verified: {told}",
    "Verify it, or, while the account is in the sandbox, ask AWS for production access.",
)

_NOT_FOUND = Meaning(
    "aws_not_found",
    "{service} does not know it: {told}",
    "Look in the {service} console, in the region that is set, whether it was deleted or never made.",
)

_MEANINGS: dict[str, Meaning] = {
    **dict.fromkeys(
        (
            "LimitExceeded",
            "RequestLimitExceeded",
            "RequestThrottled",
            "Throttled",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        ),
        _THROTTLED,
    ),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "NotAuthorized"),
        _DENIED,
    ),
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        _BAD_CREDENTIALS,
    ),
    **dict.fromkeys(("ConcurrentModificationException", "InternalServiceErrorException", "InternalFailure"), _BUSY),
    **dict.fromkeys(("SendingPausedException", "AccountSuspendedException"), _PAUSED),
    "AlreadyExistsException": Meaning(
        "aws_already_exists", "{service} has it already: {told}", "Use what is there, or delete it in {service} first."
    ),
    **dict.fromkeys(
        (
            "AWS.SimpleQueueService.NonExistentQueue",
            "NoSuchEntity",
            "NotFound",
            "NotFoundException",
            "QueueDoesNotExist",
            "ResourceNotFoundException",
        ),
        _NOT_FOUND,
    ),
    "LimitExceededException": Meaning(
        "aws_limit_exceeded",
        "A limit of the AWS account is reached: {told}",
        "Ask AWS for a higher limit in the Service Quotas console, or remove what is no longer needed.",
    ),
    "MessageRejected": Meaning(
        "aws_message_rejected", "SES refuses the message: {told}", "Change the message as AWS says, then send it again."
    ),
    "MailFromDomainNotVerifiedException": Meaning(
        "aws_mail_from_not_verified",
        "The domain's MAIL FROM domain is not verified: {told}",
        "Publish its MX and SPF records, or remove mailFromDomain from the domain.",
    ),
    "BadRequestException": Meaning(
        "aws_bad_request", "{service} finds the request wrong: {told}", "Change what {service} names."
    ),
    "ConflictException": Meaning("aws_internal", "SES is changing it at this moment: {told}", _AGAIN, True, 5),
}
_UNKNOWN = Meaning("aws_bad_request", "AWS refuses it: {told}", "Change what AWS names.")

_NO_CREDENTIALS = Meaning("aws_no_credentials", "There are no AWS credentials", _CREDENTIALS)
_NO_REGION = Meaning("aws_no_region", "No AWS region is set", "Set AWS_SDK_REGION, for example to eu-north-1.")
_UNREACHABLE = Meaning(
    "aws_unreachable",
    "{service} cannot be reached: {told}",
    "Check this machine's way to the internet, AWS_SDK_REGION and AWS_ENDPOINT_URL; it is tried again by itself.",
    True,
    30,
)
_TIMEOUT = Meaning("aws_timeout", "{service} did not answer in time", _AGAIN, True, 15)

#: The first that fits holds: the order is from the particular to the general.
_WAYS: tuple[tuple[type[Exception], Meaning], ...] = (
    (boto.NoCredentialsError, _NO_CREDENTIALS),
    (boto.PartialCredentialsError, _NO_CREDENTIALS),
    (boto.CredentialRetrievalError, _NO_CREDENTIALS),
    (boto.ProfileNotFound, _NO_CREDENTIALS),
    (boto.SSOError, _BAD_CREDENTIALS),
    (boto.NoRegionError, _NO_REGION),
    (boto.InvalidRegionError, _NO_REGION),
    (boto.ReadTimeoutError, _TIMEOUT),
    (boto.ConnectTimeoutError, _TIMEOUT),
    (boto.HTTPClientError, _UNREACHABLE),
    (boto.ConnectionError, _UNREACHABLE),
    (boto.ParamValidationError, _UNKNOWN),
    (ResponseParserError, _BUSY),
    (boto.BotoCoreError, _UNKNOWN),
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
        return _SANDBOX, told
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    by_status = {401: _BAD_CREDENTIALS, 403: _DENIED, 429: _THROTTLED}.get(status, _BUSY if status >= 500 else _UNKNOWN)
    return _MEANINGS.get(code, by_status), told
