"""An alert for programs: the body of Standard Webhooks, CloudEvents, and what AWS services are given."""

from typing import Any

import msgspec

from webhook.domain.alerts import Alert, body_of, stamp

STANDARD = "application/json"
CLOUDEVENTS = "application/cloudevents+json"
#: Of the largest number that 64 bits hold.
_DIGITS = 20


def standard(alert: Alert) -> bytes:
    """`{"type", "timestamp", "data"}`; the id goes into a header."""
    return msgspec.json.encode(body_of(alert))


def cloud_event(alert: Alert, source: str) -> bytes:
    """A CloudEvent 1.0 in structured mode; `source` and the id together name it.

    `sequence` is the extension attribute of that name: a string that sorts as the number does, so it is padded to the
    digits of the largest; absent where the alert has no number.
    Sources: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md,
    https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/sequence.md.
    """
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": alert.id,
        "source": source,
        "type": alert.type.value,
        "time": stamp(alert.at),
        "datacontenttype": "application/json",
        "data": alert.data,
    }
    if alert.domain:
        event["subject"] = alert.domain
    if alert.sequence is not None:
        event["sequence"] = f"{alert.sequence:0{_DIGITS}d}"
    return msgspec.json.encode(event)


def with_id(alert: Alert) -> str:
    """`{"id", "type", "timestamp", "data"}`, for what has no headers that a reader would see."""
    return msgspec.json.encode({"id": alert.id, **body_of(alert)}).decode()
