"""EventBridge as far as topics and queues are its targets: events of AWS itself and of those who put some."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from moto.events.models import EventTemplateParser

from tests.fakes.aws.moto_app import ACCOUNT, Moto
from tests.fakes.aws.policies import Attempt, allowed
from tests.fakes.aws.publishing import Publishing
from tests.fakes.ses.wire import Asked


class Happenings:
    """What happens is told to the targets of all rules that match it, if their policies let EventBridge."""

    def __init__(self, moto: Moto, publishing: Publishing, now: Callable[[], datetime]) -> None:
        self._moto = moto
        self._publishing = publishing
        self._now = now

    def put(self, asked: Asked) -> dict[str, Any]:
        """events:PutEvents; nobody may speak for AWS."""
        entries = [self._entry(asked.region, one) for one in asked.arguments["Entries"]]
        return {"FailedEntryCount": sum("ErrorCode" in one for one in entries), "Entries": entries}

    def _entry(self, region: str, given: dict[str, Any]) -> dict[str, str]:
        if given["Source"].startswith("aws."):
            return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
        event = {"source": given["Source"], "detail-type": given["DetailType"], "detail": json.loads(given["Detail"])}
        return {"EventId": self.happen(event | {"resources": given.get("Resources") or []}, region)}

    def happen(self, event: dict[str, Any], region: str) -> str:
        """The id of the event; of its fields only `source`, `detail-type` and `detail` need to be given."""
        whole = {
            "version": "0",
            "id": str(uuid4()),
            "account": ACCOUNT,
            "time": self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [],
            **event,
        }
        for rule in self._moto.rules(region):
            if rule.state == "ENABLED" and rule.event_pattern._pattern and rule.event_pattern.matches_event(whole):
                for target in rule.targets:
                    self._tell(rule.arn, target, whole)
        return str(whole["id"])

    def _tell(self, rule_arn: str, target: dict[str, Any], event: dict[str, Any]) -> None:
        arn, text = target["Arn"], _text(target, event)
        topic = self._moto.topic(arn) if _is(arn, "sns") else None
        queue = self._moto.queue(arn) if _is(arn, "sqs") else None
        if topic and self._may(topic.policy, "sns:Publish", arn, rule_arn):
            self._publishing.publish(arn, text)
        if queue and self._may(queue.policy, "sqs:SendMessage", arn, rule_arn):
            self._moto.enqueue(arn, text)

    def _may(self, policy: str | None, action: str, arn: str, rule_arn: str) -> bool:
        attempt = Attempt("events.amazonaws.com", action, arn, rule_arn, ACCOUNT)
        return not self._publishing.policies or allowed(policy, attempt)


def _is(arn: str, service: str) -> bool:
    return arn.split(":")[2] == service


def _text(target: dict[str, Any], event: dict[str, Any]) -> str:
    transformer = target.get("InputTransformer")
    if not transformer:
        return str(target.get("Input") or json.dumps(event))
    shaped = EventTemplateParser.parse(
        input_template=transformer["InputTemplate"],
        input_paths_map=transformer.get("InputPathsMap", {}),
        event=event,
    )
    return shaped if isinstance(shaped, str) else json.dumps(shaped)
