"""Publishing to topics: signed envelopes to the confirmed subscriptions, and what can't be delivered to its queue."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.sns.models import Subscription

from tests.fakes.aws import envelopes
from tests.fakes.aws.envelopes import Published
from tests.fakes.aws.moto_app import ACCOUNT, Moto
from tests.fakes.aws.policies import Attempt, allowed
from tests.fakes.aws.post import Post


class Publishing:
    """What publishers of AWS's own and the API have in common.

    `policies`: a queue whose policy does not let the topic send gets nothing, as with AWS. `published` are topics'
    ARNs with messages, in order.
    """

    def __init__(self, moto: Moto, post: Post, now: Callable[[], datetime], origin: str) -> None:
        self._moto = moto
        self._post = post
        self._now = now
        self._origin = origin
        self.policies = True
        self.published: list[tuple[str, str]] = []

    def publish(
        self,
        topic_arn: str,
        message: str,
        subject: str | None = None,
        attributes: dict[str, Any] | None = None,
        structure: str | None = None,
    ) -> str:
        """The MessageId; whoever is to get it over HTTP gets it soon, queues have it at once."""
        published = Published(message, subject, attributes, structure, self._now())
        self.published.append((topic_arn, message))
        for subscription in self._moto.subscriptions(topic_arn):
            if not subscription.attributes.get("PendingConfirmation") and _wants(subscription, published):
                self._send(subscription, published.for_protocol(subscription.protocol))
        return published.message_id

    def _send(self, subscription: Subscription, published: Published) -> None:
        if subscription.protocol in ("http", "https"):
            self._post.start(self._post_to, subscription, published)
        elif subscription.protocol == "sqs":
            body = self._body(subscription, published)
            if not self._enqueue(subscription.endpoint, subscription.topic.arn, body):
                self._bury(subscription, body)

    def _body(self, subscription: Subscription, published: Published) -> str:
        return envelopes.notification(subscription, self._origin, published).body.decode()

    def _post_to(self, subscription: Subscription, published: Published) -> None:
        signed = envelopes.notification(subscription, self._origin, published)
        if not self._post.deliver(subscription.endpoint, signed):
            self._bury(subscription, signed.body.decode())

    def _bury(self, subscription: Subscription, body: str) -> None:
        """To the queue of the subscription's dead letters, if it has one that may be sent to; else it is gone."""
        policy = json.loads(subscription.attributes.get("RedrivePolicy") or "{}")
        if target := policy.get("deadLetterTargetArn"):
            self._enqueue(target, subscription.topic.arn, body)

    def _enqueue(self, queue_arn: str, topic_arn: str, body: str) -> bool:
        queue = self._moto.queue(queue_arn)
        attempt = Attempt("sns.amazonaws.com", "sqs:SendMessage", queue_arn, topic_arn, ACCOUNT)
        if queue is None or (self.policies and not allowed(queue.policy, attempt)):
            return False
        self._moto.enqueue(queue_arn, body)
        return True


def _wants(subscription: Subscription, published: Published) -> bool:
    matcher = subscription._filter_policy_matcher
    return matcher is None or matcher.matches(published.attributes, published.message)
