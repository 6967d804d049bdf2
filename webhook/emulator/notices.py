"""What arrives on a topic beside mail: SES's control messages, events about identities, and the not yet known."""

import json
from datetime import datetime

from webhook.emulator.payloads import Account, timestamp

TOPIC_VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."


def subscription_succeeded(topic_arn: str, kind: str, identity: str) -> str:
    """The control message that SES sends when a topic is set for an identity's notifications."""
    sentence = (
        f"You have successfully subscribed your Amazon SNS topic '{topic_arn}' to receive '{kind}' notifications "
        f"from Amazon SES for identity '{identity}'."
    )
    return json.dumps({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": sentence}) + "\n"


def advice(at: datetime, account: Account, identity: str, *, resolved: bool = False) -> str:
    """An EventBridge event of the SES advisor about the DKIM records of `identity`, as a topic carries it."""
    return _eventbridge(
        at,
        account,
        detail_type=f"Advisor Recommendation Status {'Resolved' if resolved else 'Open'}",
        source="aws.ses",
        resources=[f"arn:aws:ses:{account.region}:{account.number}:identity/{identity}"],
        detail={
            "version": "1.0.0",
            "data": f"DKIM verification is not enabled for the identity {identity}.",
            "metadata": {"impact": "HIGH", "type": "DKIM"},
        },
    )


def dkim_verified(at: datetime, account: Account, identity: str) -> str:
    """The AWS Health event which says that the DKIM set-up of `identity` is complete."""
    code = "AWS_SES_DKIM_PENDING_TO_VERIFIED"
    return _eventbridge(
        at,
        account,
        detail_type="AWS Health Event",
        source="aws.health",
        resources=[identity],
        detail={
            "eventArn": f"arn:aws:health:{account.region}::event/SES/{code}/{code}_{account.number}",
            "service": "SES",
            "eventTypeCode": code,
            "eventTypeCategory": "accountNotification",
            "eventScopeCode": "ACCOUNT_SPECIFIC",
            "communicationId": f"{code}_{int(at.timestamp())}",
            "startTime": f"{at:%a, %d %b %Y %H:%M:%S} GMT",
            "lastUpdatedTime": f"{at:%a, %d %b %Y %H:%M:%S} GMT",
            "statusCode": "open",
            "eventRegion": account.region,
            "eventDescription": [
                {"language": "en_US", "latestDescription": f"Your DKIM setup for the domain {identity} is complete."}
            ],
            "affectedEntities": [{"entityValue": identity}],
            "page": "1",
            "totalPages": "1",
            "affectedAccount": account.number,
        },
    )


def unknown(at: datetime, account: Account) -> str:
    """An authentic message of a shape that nobody has described yet."""
    body = {
        "eventType": "ForwardingReport",
        "forwardingReport": {
            "timestamp": timestamp(at),
            "region": account.region,
            "account": account.number,
            "hops": 2,
        },
    }
    return json.dumps(body) + "\n"


def _eventbridge(
    at: datetime,
    account: Account,
    *,
    detail_type: str,
    source: str,
    resources: list[str],
    detail: dict[str, object],
) -> str:
    seed = f"{int(at.timestamp() * 1000):032x}"
    return json.dumps(
        {
            "version": "0",
            "id": "-".join((seed[:8], seed[8:12], seed[12:16], seed[16:20], seed[20:])),
            "detail-type": detail_type,
            "source": source,
            "account": account.number,
            "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "region": account.region,
            "resources": resources,
            "detail": detail,
        }
    )
