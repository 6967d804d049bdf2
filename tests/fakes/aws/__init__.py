"""A stand-in for AWS on one port of this machine, for boto3 and whoever else speaks its protocols.

    with FakeAws() as aws:
        settings = {"AWS_ENDPOINT_URL": aws.origin, "SNS_TRUSTED_ORIGINS": aws.origin, …}
        aws.deny("sns:Subscribe")                       # AuthorizationError until aws.allow("sns:Subscribe")
        aws.fail_next("sqs", "CreateQueue", "InternalError", 500)
        aws.kill_after(3)                               # the fourth call and all later ones break
        aws.client("sns").list_topics()                 # the test's own look: never fails, never counted
        assert ("sns", "CreateTopic") in aws.calls
        aws.publish(topic_arn, text); aws.settle()      # delivered, signed, to all who subscribed

SES is `tests.fakes.ses` (`aws.ses`, `aws.ses_in("us-east-1")`), SNS's subscriptions and deliveries, EventBridge's
deliveries, and IAM's simulator are played here; all else is moto's. An endpoint of another machine is never posted to:
`aws.post.routes["https://sentinel.example.com"] = "http://127.0.0.1:8000"` says where it really is.
"""

from tests.fakes.aws.fake import FakeAws
from tests.fakes.aws.gateway import Call
from tests.fakes.aws.post import Attempted

__all__ = ["Attempted", "Call", "FakeAws"]
