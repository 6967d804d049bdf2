"""What IAM calls the permission for a call of AWS's API.

Nearly always it is the operation, under the service's prefix; the others are those of the Service Authorization
Reference: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.
"""

_PREFIXES = {"sesv2": "ses"}
#: A batch needs the permission of what is in it.
_RENAMED = {
    ("sns", "PublishBatch"): "sns:Publish",
    ("sqs", "ChangeMessageVisibilityBatch"): "sqs:ChangeMessageVisibility",
    ("sqs", "DeleteMessageBatch"): "sqs:DeleteMessage",
    ("sqs", "SendMessageBatch"): "sqs:SendMessage",
}
#: What a call needs beside its own: things are made with their tags, and a raw message is judged by its old name.
_ALSO = {
    ("events", "PutRule"): ("events:TagResource",),
    ("sesv2", "CreateConfigurationSet"): ("ses:TagResource",),
    ("sesv2", "CreateEmailIdentity"): ("ses:TagResource",),
    ("sesv2", "CreateTenant"): ("ses:TagResource",),
    ("sesv2", "SendEmail"): ("ses:SendRawEmail",),
    ("sns", "CreateTopic"): ("sns:TagResource",),
    ("sqs", "CreateQueue"): ("sqs:TagQueue",),
}
#: Nobody needs a permission to ask who he is.
_FREE = frozenset({("sts", "GetCallerIdentity")})


def actions_of(service: str, operation: str) -> tuple[str, ...]:
    """The actions that allow a call, `service` as boto3 calls it: `("sqs", "DeleteMessageBatch")` needs
    `("sqs:DeleteMessage",)`.
    """
    call = (service, operation)
    if call in _FREE:
        return ()
    own = _RENAMED.get(call, f"{_PREFIXES.get(service, service)}:{operation}")
    return (own, *_ALSO.get(call, ()))
