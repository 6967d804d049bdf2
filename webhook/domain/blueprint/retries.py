"""How long SNS keeps at it when we don't answer."""

from collections.abc import Mapping

#: Each 5 seconds for a minute, which is a restart; then each minute for nearly an hour, which is an outage.
#: SNS allows 100 retries, and 3,600 seconds from the first to the last ("Amazon SNS message delivery retries").
#: There is no phase of growing delays, so the sum does not hang on how SNS makes them grow.
RETRIES: Mapping[str, int | str] = {
    "minDelayTarget": 5,
    "maxDelayTarget": 60,
    "numRetries": 70,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 12,
    "numMaxDelayRetries": 58,
    "backoffFunction": "linear",
}
DELIVERY_POLICY: Mapping[str, Mapping[str, int | str]] = {"healthyRetryPolicy": RETRIES}
