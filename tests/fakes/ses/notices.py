"""The notifications of identities, which only version 1 of the API knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.fakes.ses.errors import Refusal
from tests.fakes.ses.script import Failure
from webhook.emulator.notices import subscription_succeeded

if TYPE_CHECKING:
    from tests.fakes.ses.state import State

Answer = dict[str, Any]
KINDS = ("Bounce", "Complaint", "Delivery")


def get_attributes(state: State, asked: Answer) -> Answer:
    """Of the identities that there are; others are left out."""
    if len(asked["Identities"]) > 100:
        raise Refusal(Failure("InvalidParameterValue", 400, "At most 100 identities can be asked for."))
    told = {name: _told(state, name) for name in asked["Identities"] if name in state.identities}
    return {"NotificationAttributes": told}


def _told(state: State, name: str) -> Answer:
    identity = state.identity(name)
    headers = {f"HeadersIn{kind}NotificationsEnabled": kind in identity.headers_in for kind in KINDS}
    topics = {f"{kind}Topic": arn for kind, arn in identity.topics.items()}
    return {**topics, "ForwardingEnabled": identity.forwarding, **headers}


def set_topic(state: State, asked: Answer) -> Answer:
    """Sets the topic, or (none given) takes it away; a topic must let SES publish, and hears of it."""
    identity, kind, topic = _identity(state, asked), asked["NotificationType"], asked.get("SnsTopic")
    if not topic:
        identity.topics.pop(kind, None)
        if kind != "Delivery" and not {"Bounce", "Complaint"} <= identity.topics.keys():
            identity.forwarding = True
        return {}
    if state.topics:
        arn = f"{state.arn}:identity/{identity.name}"
        if state.topics.refusal(topic, arn):
            raise Refusal(Failure("InvalidParameterValue", 400, f"Invalid SNS topic <{topic}>."))
        state.topics.publish(topic, subscription_succeeded(topic, kind, identity.name), None, arn)
    identity.topics[kind] = topic
    return {}


def set_headers(state: State, asked: Answer) -> Answer:
    identity = _identity(state, asked)
    (identity.headers_in.add if asked["Enabled"] else identity.headers_in.discard)(asked["NotificationType"])
    return {}


def set_forwarding(state: State, asked: Answer) -> Answer:
    """Bounces and complaints must go somewhere: without topics for both, to the sender."""
    identity, wanted = _identity(state, asked), bool(asked["ForwardingEnabled"])
    if not wanted and not {"Bounce", "Complaint"} <= identity.topics.keys():
        message = f"Identity <{identity.name}> must have topics for bounces and complaints first."
        raise Refusal(Failure("InvalidParameterValue", 400, message))
    identity.forwarding = wanted
    return {}


def put_feedback(state: State, asked: Answer) -> Answer:
    """Version 2 asks for no topics: who has none gets mail all the same."""
    state.identity(asked["EmailIdentity"]).forwarding = bool(asked.get("EmailForwardingEnabled"))
    return {}


def _identity(state: State, asked: Answer) -> Any:
    if asked["Identity"] not in state.identities:
        raise Refusal(Failure("InvalidParameterValue", 400, f"Identity <{asked['Identity']}> does not exist."))
    return state.identity(asked["Identity"])


CLASSIC_NOTICES: dict[str, Callable[[State, Answer], Answer]] = {
    "GetIdentityNotificationAttributes": get_attributes,
    "SetIdentityNotificationTopic": set_topic,
    "SetIdentityHeadersInNotificationsEnabled": set_headers,
    "SetIdentityFeedbackForwardingEnabled": set_forwarding,
}
