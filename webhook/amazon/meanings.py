"""What the answers of AWS mean to us, by their codes."""

from typing import NamedTuple

AGAIN = "Nothing needs to be done: it is tried again by itself."
CREDENTIALS = (
    "Set AWS_SDK_ACCESS_KEY_ID and AWS_SDK_SECRET_ACCESS_KEY to a key that is in force, or give this machine a role."
)


class Meaning(NamedTuple):
    """What one answer of AWS means to us; "{told}" in the detail is what AWS wrote, "{service}" who wrote it."""

    code: str
    detail: str
    hint: str
    retryable: bool = False
    retry_after: float = 60


THROTTLED = Meaning("aws_throttled", "AWS is asked more often than it allows", AGAIN, True, 2)
BAD_CREDENTIALS = Meaning("aws_bad_credentials", "AWS does not accept the credentials: {told}", CREDENTIALS)
DENIED = Meaning(
    "aws_access_denied",
    "AWS does not allow {action} to these credentials",
    "Let an administrator of the AWS account add {action} to the IAM policy of this user or role.",
)
BUSY = Meaning("aws_internal", "AWS could not do it just now: {told}", AGAIN, True, 30)
_PAUSED = Meaning(
    "aws_sending_paused",
    "SES has paused sending: {told}",
    "Look at the account's status in the SES console under Reputation metrics, or resume what was paused on purpose.",
)
SANDBOX = Meaning(
    "aws_sandbox",
    "SES does not take the mail since an identity is not verified: {told}",
    "Verify it, or, while the account is in the sandbox, ask AWS for production access.",
)

_NOT_FOUND = Meaning(
    "aws_not_found",
    "{service} does not know it: {told}",
    "Look in the {service} console, in the region that is set, whether it was deleted or never made.",
)

_LIMIT = Meaning(
    "aws_limit_exceeded",
    "A limit of the AWS account is reached: {told}",
    "Ask AWS for a higher limit in the Service Quotas console, or remove what is no longer needed.",
)
_EXISTS = Meaning(
    "aws_already_exists", "{service} has it already: {told}", "Use what is there, or delete it in {service} first."
)
_CHANGING = Meaning("aws_internal", "{service} is changing it at this moment: {told}", AGAIN, True, 5)
_KEY = Meaning(
    "aws_key_unusable",
    "{service} can't use the KMS key: {told}",
    "Look whether the key exists in this region, is enabled, and lets {service} and these credentials use it.",
)
_REGION_OFF = Meaning(
    "aws_region_disabled",
    "The AWS account does not use this region: {told}",
    "Enable the region in the account's settings, or choose another.",
)

MEANINGS: dict[str, Meaning] = {
    **dict.fromkeys(
        (
            "KMSThrottling",
            "KMSThrottlingException",
            "KmsThrottled",
            "LimitExceeded",
            "RequestLimitExceeded",
            "RequestThrottled",
            "Throttled",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        ),
        THROTTLED,
    ),
    **dict.fromkeys(
        (
            "AccessDenied",
            "AccessDeniedException",
            "AuthorizationError",
            "AuthorizationErrorException",
            "NotAuthorized",
            "UnauthorizedOperation",
        ),
        DENIED,
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
        BAD_CREDENTIALS,
    ),
    **dict.fromkeys(
        (
            "ConcurrentModificationException",
            "InternalError",
            "InternalException",
            "InternalFailure",
            "InternalServiceError",
            "InternalServiceErrorException",
            "ServiceUnavailable",
        ),
        BUSY,
    ),
    **dict.fromkeys(("ConcurrentAccess", "ConcurrentAccessException", "ConflictException", "StaleTag"), _CHANGING),
    **dict.fromkeys(
        (
            "KMSAccessDenied",
            "KMSDisabled",
            "KMSInvalidState",
            "KMSNotFound",
            "KMSOptInRequired",
            "KmsAccessDenied",
            "KmsDisabled",
            "KmsInvalidKeyUsage",
            "KmsInvalidState",
            "KmsNotFound",
            "KmsOptInRequired",
        ),
        _KEY,
    ),
    **dict.fromkeys(("OptInRequired", "RegionDisabledException", "SubscriptionRequiredException"), _REGION_OFF),
    **dict.fromkeys(("SendingPausedException", "AccountSuspendedException"), _PAUSED),
    **dict.fromkeys(
        (
            "AlreadyExistsException",
            "EntityAlreadyExists",
            "QueueAlreadyExists",
            "QueueNameExists",
            "ResourceAlreadyExistsException",
        ),
        _EXISTS,
    ),
    **dict.fromkeys(
        ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently"),
        Meaning(
            "aws_deleted_recently",
            "SQS makes no queue of a name that was deleted less than a minute ago",
            AGAIN,
            True,
            61,
        ),
    ),
    **dict.fromkeys(
        (
            "AWS.SimpleQueueService.NonExistentQueue",
            "NoSuchEntity",
            "NotFound",
            "NotFoundException",
            "QueueDoesNotExist",
            "ResourceNotFound",
            "ResourceNotFoundException",
        ),
        _NOT_FOUND,
    ),
    **dict.fromkeys(
        (
            "FilterPolicyLimitExceeded",
            "LimitExceededException",
            "OverLimit",
            "PolicyLengthExceededException",
            "SubscriptionLimitExceeded",
            "TagLimitExceeded",
            "TopicLimitExceeded",
        ),
        _LIMIT,
    ),
    "MessageRejected": Meaning(
        "aws_message_rejected", "SES refuses the message: {told}", "Change the message as AWS says, then send it again."
    ),
    "MailFromDomainNotVerifiedException": Meaning(
        "aws_mail_from_not_verified",
        "The domain's MAIL FROM domain is not verified: {told}",
        "Publish its MX and SPF records, or remove mailFromDomain from the domain.",
    ),
    **dict.fromkeys(
        (
            "BadRequestException",
            "InvalidAttributeName",
            "InvalidAttributeValue",
            "InvalidEventPatternException",
            "InvalidParameter",
            "InvalidParameterException",
            "InvalidParameterValue",
            "ParameterValueInvalid",
            "UnsupportedOperation",
            "ValidationError",
            "ValidationException",
        ),
        Meaning("aws_bad_request", "{service} finds the request wrong: {told}", "Change what {service} names."),
    ),
}
UNKNOWN = Meaning("aws_bad_request", "AWS refuses it: {told}", "Change what AWS names.")
