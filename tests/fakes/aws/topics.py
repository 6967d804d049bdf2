"""SNS where moto leaves it: subscriptions that wait to be confirmed, and what topics say about themselves."""

import json
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.sns.exceptions import InvalidParameterValue
from moto.sns.models import Subscription, Topic

from tests.fakes.aws import envelopes
from tests.fakes.aws.moto_app import ACCOUNT, Moto
from tests.fakes.aws.post import Post
from tests.fakes.aws.publishing import Publishing
from tests.fakes.ses.errors import Refusal
from tests.fakes.ses.script import Failure
from tests.fakes.ses.wire import Asked

Answer = dict[str, Any]
PENDING = "PendingConfirmation"
_PAGE = 100
#: Attributes that a topic tells besides those that it always tells, by moto's names of them.
_TOLD = {
    "signature_version": "SignatureVersion",
    "tracing_config": "TracingConfig",
    "kms_master_key_id": "KmsMasterKeyId",
    "delivery_policy": "DeliveryPolicy",
}


def refused(code: str, message: str, status: int = 400) -> Refusal:
    return Refusal(Failure(code, status, message))


def invalid(why: str) -> Refusal:
    return refused("InvalidParameter", f"Invalid parameter: {why}")


class Topics:
    """What SNS does otherwise than moto; `deliver_confirmations`: an endpoint hears that it is subscribed."""

    def __init__(
        self, moto: Moto, post: Post, publishing: Publishing, now: Callable[[], datetime], origin: str
    ) -> None:
        self._moto = moto
        self._post = post
        self._publishing = publishing
        self._now = now
        self._origin = origin
        self.deliver_confirmations = True
        #: The tokens of subscriptions that wait to be confirmed, by ARN.
        self.tokens: dict[str, str] = {}

    def operation(self, name: str) -> Callable[[Asked], Answer] | None:
        """What does it; None if moto does."""
        return {
            "CreateTopic": self.create,
            "GetTopicAttributes": self.describe,
            "Subscribe": self.subscribe,
            "ConfirmSubscription": self.confirm,
            "Unsubscribe": self.unsubscribe,
            "ListSubscriptions": self.list_all,
            "ListSubscriptionsByTopic": self.list_by_topic,
            "GetSubscriptionAttributes": self.describe_subscription,
            "Publish": self.publish,
            "PublishBatch": self.publish_batch,
        }.get(name)

    def topic(self, arn: str) -> Topic:
        found = self._moto.topic(arn)
        if found is None:
            raise refused("NotFound", "Topic does not exist", 404)
        return found

    def create(self, asked: Asked) -> Answer:
        """Creating what is there is no error, unless it is to be otherwise than it is."""
        given = asked.arguments
        tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()}
        attributes = given.get("Attributes") or {}
        there = self._moto.topic(f"arn:aws:sns:{asked.region}:{ACCOUNT}:{given['Name']}")
        if there is None:
            try:
                return {"TopicArn": self._moto.sns(asked.region).create_topic(given["Name"], attributes, tags).arn}
            except InvalidParameterValue as error:
                raise invalid(str(error.message)) from error
        if tags and tags != there._tags:
            raise invalid("Tags Reason: Topic already exists with different tags")
        told = self._told(there)
        if any(told.get(name) != value for name, value in attributes.items() if name != "Policy"):
            raise invalid("Attributes Reason: Topic already exists with different attributes")
        return {"TopicArn": there.arn}

    def describe(self, asked: Asked) -> Answer:
        return {"Attributes": self._told(self.topic(asked.arguments["TopicArn"]))}

    def _told(self, topic: Topic) -> dict[str, str]:
        states = [one.arn in self.tokens for one in self._moto.subscriptions(topic.arn)]
        more = {name: str(value) for held, name in _TOLD.items() if (value := getattr(topic, held, ""))}
        return {
            "TopicArn": topic.arn,
            "Owner": ACCOUNT,
            "Policy": topic.policy,
            "DisplayName": topic.display_name,
            "EffectiveDeliveryPolicy": topic.effective_delivery_policy,
            "SubscriptionsPending": str(states.count(True)),
            "SubscriptionsConfirmed": str(states.count(False)),
            "SubscriptionsDeleted": "0",
            **more,
        }

    def subscribe(self, asked: Asked) -> Answer:
        """An endpoint over HTTP is asked first, and again at every further attempt until it confirmed."""
        given = asked.arguments
        protocol, endpoint, topic = given["Protocol"], given.get("Endpoint", ""), self.topic(given["TopicArn"])
        if protocol in ("http", "https") and not endpoint.startswith(f"{protocol}://"):
            raise invalid("Endpoint must match the specified protocol")
        backend = self._moto.sns(asked.region)
        wanted = _attributes(given.get("Attributes") or {})
        there = backend._find_subscription(topic.arn, endpoint, protocol)
        if there and any(there.attributes.get(name) != value for name, value in wanted.items()):
            raise invalid("Attributes Reason: Subscription already exists with different attributes")
        subscription = there or backend.subscribe(topic.arn, endpoint, protocol)
        for name in sorted(wanted, reverse=True) if there is None else ():
            backend.set_subscription_attributes(subscription.arn, name, wanted[name])
        if protocol in ("http", "https") and (there is None or there.arn in self.tokens):
            self._ask(subscription)
        waiting = subscription.arn in self.tokens and not given.get("ReturnSubscriptionArn")
        return {"SubscriptionArn": "pending confirmation" if waiting else subscription.arn}

    def _ask(self, subscription: Subscription) -> None:
        token = self.tokens.setdefault(subscription.arn, secrets.token_hex(80))
        subscription.attributes |= {PENDING: True, "ConfirmationWasAuthenticated": False}
        if self.deliver_confirmations:
            signed = envelopes.confirmation(subscription, self._origin, token, self._now())
            self._post.start(self._post.deliver, subscription.endpoint, signed)

    def confirm(self, asked: Asked) -> Answer:
        topic, token = self.topic(asked.arguments["TopicArn"]), asked.arguments["Token"]
        arn = next((arn for arn, held in self.tokens.items() if secrets.compare_digest(held, token)), None)
        subscription = self._moto.subscription(arn) if arn else None
        if subscription is None or subscription.topic.arn != topic.arn:
            raise invalid("Token")
        del self.tokens[subscription.arn]
        owned = bool(asked.key) and asked.arguments.get("AuthenticateOnUnsubscribe") == "true"
        subscription.attributes |= {PENDING: False, "ConfirmationWasAuthenticated": owned}
        return {"SubscriptionArn": subscription.arn}

    def unsubscribe(self, asked: Asked) -> Answer:
        arn = asked.arguments["SubscriptionArn"]
        if arn.count(":") < 6:
            raise invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not 1")
        if arn in self.tokens:
            raise invalid("This subscription is pending confirmation and can't be deleted")
        subscription = self._moto.subscription(arn)
        if not asked.key and subscription and subscription.attributes["ConfirmationWasAuthenticated"]:
            raise refused("AuthorizationError", "Only the owner may unsubscribe", 403)
        if subscription:
            self._moto.sns(arn.split(":")[3]).unsubscribe(arn)
        return {}

    def list_all(self, asked: Asked) -> Answer:
        return self._page(list(self._moto.sns(asked.region).subscriptions.values()), asked)

    def list_by_topic(self, asked: Asked) -> Answer:
        topic = self.topic(asked.arguments["TopicArn"])
        return self._page(self._moto.subscriptions(topic.arn), asked)

    def _page(self, held: list[Subscription], asked: Asked) -> Answer:
        start = int(asked.arguments.get("NextToken") or 0)
        rows = [
            {
                "SubscriptionArn": PENDING if one.arn in self.tokens else one.arn,
                "Owner": ACCOUNT,
                "Protocol": one.protocol,
                "Endpoint": one.endpoint,
                "TopicArn": one.topic.arn,
            }
            for one in held[start : start + _PAGE]
        ]
        more = {"NextToken": str(start + _PAGE)} if len(held) > start + _PAGE else {}
        return {"Subscriptions": rows, **more}

    def describe_subscription(self, asked: Asked) -> Answer:
        subscription = self._moto.subscription(asked.arguments["SubscriptionArn"])
        if subscription is None:
            raise refused("NotFound", "Subscription does not exist", 404)
        told = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in subscription.attributes.items()
        }
        return {"Attributes": told}

    def publish(self, asked: Asked) -> Answer:
        given = asked.arguments
        arn = given.get("TopicArn") or given.get("TargetArn") or ""
        return {"MessageId": self._publish(self.topic(arn), given)}

    def publish_batch(self, asked: Asked) -> Answer:
        topic = self.topic(asked.arguments["TopicArn"])
        entries = asked.arguments["PublishBatchRequestEntries"]
        done = [{"Id": one["Id"], "MessageId": self._publish(topic, one)} for one in entries]
        return {"Successful": done, "Failed": []}

    def _publish(self, topic: Topic, given: dict[str, Any]) -> str:
        if not given.get("Message") or len(given["Message"].encode()) > 256 * 1024:
            raise invalid("Message too long" if given.get("Message") else "Empty message")
        attributes = {
            name: {"Type": one["DataType"], "Value": one.get("StringValue", one.get("BinaryValue"))}
            for name, one in (given.get("MessageAttributes") or {}).items()
        }
        return self._publishing.publish(
            topic.arn, given["Message"], given.get("Subject"), attributes, given.get("MessageStructure")
        )


def _attributes(given: dict[str, str]) -> dict[str, Any]:
    """As moto keeps them; raises Refusal for what is no JSON."""
    for name in ("RedrivePolicy", "FilterPolicy", "DeliveryPolicy"):
        try:
            json.loads(given.get(name) or "{}")
        except ValueError as error:
            raise invalid(f"{name}: failed to parse JSON") from error
    return {name: value == "true" if name == "RawMessageDelivery" else value for name, value in given.items()}
