"""Realistic SES events in unsigned SNS envelopes: pure, and every message is of a mail of its own.

The shapes are those of event publishing: all fields of `mail` with headers and tags, a trailing newline, a Subject.
"""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

ACCOUNT = "123456789012"
REGION = "eu-north-1"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:ses-bench"
SUBJECT = "Amazon SES Email Event Notification"
CERTIFICATE_HOST = f"https://sns.{REGION}.amazonaws.com"
SCATTER = 2_654_435_761  # Knuth's multiplier: neighbouring mails fall on domains far apart
APART = 256  # mails between a Send and what became of it, so that they seldom share a commit
BOUNCE_EVERY = 20


class Mix(StrEnum):
    """What the messages tell."""

    BOUNCES = "bounces"
    LIVES = "lives"  # a Send per mail, then its Delivery, or for one in twenty its Bounce


class Recipe(msgspec.Struct, frozen=True):
    """Everything a set of messages depends on; `born` is the time (epoch seconds) that they were made."""

    messages: int
    domains: int
    mix: Mix
    born: int


def domain_of(recipe: Recipe, mail: int) -> str:
    """The customer domain that mail number `mail` was sent by."""
    return f"customer-{(mail * SCATTER) % 2**32 % recipe.domains:06d}.example"


def event(recipe: Recipe, index: int) -> dict[str, object]:
    """The SES payload of message number `index`."""
    if recipe.mix is Mix.BOUNCES:
        return {"eventType": "Bounce", "bounce": _bounce(recipe, index), "mail": _mail(recipe, index)}
    mail, later = divmod(index, 2)
    if not later:
        return {"eventType": "Send", "mail": _mail(recipe, mail), "send": {}}
    mail = (mail - APART) % (recipe.messages // 2)
    if mail % BOUNCE_EVERY == 0:
        return {"eventType": "Bounce", "bounce": _bounce(recipe, mail), "mail": _mail(recipe, mail)}
    return {"eventType": "Delivery", "mail": _mail(recipe, mail), "delivery": _delivery(recipe, mail)}


def envelope(recipe: Recipe, index: int, certificate: str) -> dict[str, str]:
    """The SNS notification around it, in the order of SNS's own fields, still without its `Signature`."""
    message_id = _uuid(index, 0x5E5)
    return {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": TOPIC_ARN,
        "Subject": SUBJECT,
        "Message": json.dumps(event(recipe, index), separators=(",", ":")) + "\n",
        "Timestamp": _stamp(recipe, 0),
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertURL": f"{CERTIFICATE_HOST}/{certificate}",
        "UnsubscribeURL": f"{CERTIFICATE_HOST}/?Action=Unsubscribe&SubscriptionArn={TOPIC_ARN}:{_uuid(0, 1)}",
    }


def string_to_sign(message: dict[str, str]) -> bytes:
    """What SNS signs of a notification with a Subject."""
    keys = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    return "".join(f"{key}\n{message[key]}\n" for key in keys).encode()


def request(message: dict[str, str]) -> bytes:
    """The HTTP/1.1 request that SNS would post it with."""
    body = json.dumps(message, indent=2).encode()
    head = (
        "POST /webhooks/sns HTTP/1.1\r\n"
        "Host: sentinel.example\r\n"
        "x-amz-sns-message-type: Notification\r\n"
        f"x-amz-sns-message-id: {message['MessageId']}\r\n"
        f"x-amz-sns-topic-arn: {TOPIC_ARN}\r\n"
        f"x-amz-sns-subscription-arn: {TOPIC_ARN}:{_uuid(0, 1)}\r\n"
        "User-Agent: Amazon Simple Notification Service Agent\r\n"
        "Accept-Encoding: gzip,deflate\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _uuid(index: int, salt: int) -> str:
    digits = f"{index:08x}{salt:04x}4abc8def{index * SCATTER % 2**48:012x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _stamp(recipe: Recipe, seconds_before: int) -> str:
    moment = datetime.fromtimestamp(recipe.born, UTC) - timedelta(seconds=seconds_before)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _recipient(mail: int) -> str:
    provider = ("gmail.com", "outlook.com", "yahoo.com", "gmx.de", "icloud.com")[mail % 5]
    return f"reader.{mail:07d}@{provider}"


def _bounce(recipe: Recipe, mail: int) -> dict[str, object]:
    recipient = {
        "emailAddress": _recipient(mail),
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
    return {
        "feedbackId": f"0100{recipe.born:012x}-{_uuid(mail, 0xB0)}-000000",
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [recipient],
        "timestamp": _stamp(recipe, 1),
        "reportingMTA": f"dns; a12-34.smtp-out.{REGION}.amazonses.com",
    }


def _delivery(recipe: Recipe, mail: int) -> dict[str, object]:
    return {
        "timestamp": _stamp(recipe, 1),
        "processingTimeMillis": 546,
        "recipients": [_recipient(mail)],
        "smtpResponse": "250 2.6.0 Message received",
        "reportingMTA": f"a12-34.smtp-out.{REGION}.amazonses.com",
    }


def _mail(recipe: Recipe, mail: int) -> dict[str, object]:
    domain, to = domain_of(recipe, mail), _recipient(mail)
    source, title = f"news@{domain}", f"Your order {mail:07d}"
    return {
        "timestamp": _stamp(recipe, 2 + mail % 3600),
        "source": source,
        "sourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{domain}",
        "sendingAccountId": ACCOUNT,
        "messageId": f"0110{recipe.born:012x}-{_uuid(mail, 0x3A)}-000000",
        "destination": [to],
        "headersTruncated": False,
        "headers": [{"name": "From", "value": source}, {"name": "To", "value": to}],
        "commonHeaders": {"from": [source], "to": [to], "subject": title},
        "tags": {
            "ses:configuration-set": ["bench"],
            "ses:from-domain": [domain],
            "ses:caller-identity": ["sender"],
        },
    }
