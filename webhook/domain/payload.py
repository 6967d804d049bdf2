"""The JSON that SES, EventBridge, Health and CloudTrail put into an SNS message, as typed structures.

Only what we use is declared: SES reserves the right to add fields. Shapes: SES developer guide, "Contents of Amazon SNS
notifications" and "Examples of event data that Amazon SES publishes to Amazon SNS"; EventBridge reference, "ses".
"""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from webhook.errors import NotUnderstood


class Recipient(Struct, frozen=True, rename="camel", gc=False):
    """One entry of `bouncedRecipients`, `complainedRecipients` or `delayedRecipients`."""

    email_address: str
    status: str | None = None
    diagnostic_code: str | None = None


class Tags(Struct, frozen=True, gc=False):
    """The automatic tags we read; values are always lists."""

    configuration_set: list[str] | None = field(default=None, name="ses:configuration-set")
    from_domain: list[str] | None = field(default=None, name="ses:from-domain")


class SesMail(Struct, frozen=True, rename="camel", gc=False):
    """The `mail` object that every SES event carries."""

    timestamp: str
    message_id: str
    source: str | None = None
    source_arn: str | None = None
    destination: list[str] | None = None
    tags: Tags | None = None


class Bounce(Struct, frozen=True, rename="camel", gc=False):
    """The `bounce` object."""

    bounce_type: str
    bounced_recipients: list[Recipient]
    bounce_sub_type: str | None = None
    timestamp: str | None = None


class Complaint(Struct, frozen=True, rename="camel", gc=False):
    """The `complaint` object. `complained_recipients` may be a guess: everyone at that provider who got the mail."""

    complained_recipients: list[Recipient]
    feedback_id: str | None = None
    complaint_sub_type: str | None = None
    complaint_feedback_type: str | None = None
    timestamp: str | None = None
    user_agent: str | None = None


class Delivery(Struct, frozen=True, rename="camel", gc=False):
    """The `delivery` object."""

    recipients: list[str]
    timestamp: str | None = None
    smtp_response: str | None = None


class DeliveryDelay(Struct, frozen=True, rename="camel", gc=False):
    """The `deliveryDelay` object."""

    delayed_recipients: list[Recipient]
    delay_type: str | None = None
    timestamp: str | None = None


class Happening(Struct, frozen=True, rename="camel", gc=False):
    """What `open`, `click`, `reject`, `failure`, `send` and `subscription` say, as far as we keep it."""

    timestamp: str | None = None
    link: str | None = None
    reason: str | None = None
    error_message: str | None = None
    template_name: str | None = None
    contact_list: str | None = None


class Payload(Struct, frozen=True, rename="camel", gc=False):
    """Any message on the topic: an SES event of either format, or an EventBridge envelope."""

    event_type: str | None = None
    notification_type: str | None = None
    mail: SesMail | None = None
    bounce: Bounce | None = None
    complaint: Complaint | None = None
    delivery: Delivery | None = None
    delivery_delay: DeliveryDelay | None = None
    send: Happening | None = None
    reject: Happening | None = None
    open: Happening | None = None
    click: Happening | None = None
    failure: Happening | None = None
    subscription: Happening | None = None
    # EventBridge
    detail_type: str | None = field(default=None, name="detail-type")
    source: str | None = None
    id: str | None = None
    time: str | None = None
    resources: list[str] | None = None
    # Left as it is: what it holds depends on `detail-type`.
    detail: msgspec.Raw = msgspec.Raw()


class Advice(Struct, frozen=True, gc=False):
    """`detail` of an "Advisor Recommendation Status …" or "Sending Status …" event; `data` is a string or an object."""

    data: Any = None
    metadata: dict[str, Any] | None = None


class AffectedEntity(Struct, frozen=True, rename="camel", gc=False):
    """One of `affectedEntities`."""

    entity_value: str | None = None


class Health(Struct, frozen=True, rename="camel", gc=False):
    """`detail` of an "AWS Health Event"."""

    service: str | None = None
    event_type_code: str | None = None
    communication_id: str | None = None
    affected_entities: list[AffectedEntity] | None = None


class ApiCall(Struct, frozen=True, rename="camel", gc=False):
    """`detail` of an "AWS API Call via CloudTrail"."""

    event_source: str | None = None
    event_name: str | None = None
    request_parameters: dict[str, Any] | None = None


Detail = TypeVar("Detail", bound=Struct)

_PAYLOAD = msgspec.json.Decoder(Payload)


def read_payload(text: str) -> Payload:
    """The payload in an SNS message.

    Raises:
        NotUnderstood: not JSON (`not_json`), or a field of the wrong type (`malformed`, with the path to the field).
    """
    try:
        return _PAYLOAD.decode(text)
    except msgspec.ValidationError as error:
        raise NotUnderstood("malformed", str(error)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise NotUnderstood("not_json", str(error)) from error


def read_detail(raw: msgspec.Raw, shape: type[Detail]) -> Detail:
    """The `detail` of an EventBridge event, typed.

    Raises:
        NotUnderstood: `malformed`, with the path to the field.
    """
    try:
        return msgspec.json.decode(bytes(raw) or b"{}", type=shape)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise NotUnderstood("malformed", str(error).replace("`$", "`$.detail")) from error
