"""A message signed by moto, which shares no code with us, passes."""

from datetime import timedelta

import boto3
from moto import mock_aws

from tests.signer import Clock, verdict
from webhook.adapters.sns import Certificates, Fetcher, Verifier
from webhook.domain.envelope import Envelope
from webhook.domain.topics import TopicAllowList

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "eu-north-1"}


@mock_aws
def test_what_moto_signs_and_serves_passes():
    sns, sqs = boto3.client("sns", **KEYS), boto3.client("sqs", **KEYS)
    topic = sns.create_topic(Name="ses-events")["TopicArn"]
    queue = sqs.create_queue(QueueName="copy")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    sns.publish(TopicArn=topic, Message='{"eventType":"Bounce"}\n')
    (copy,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    envelope = Envelope.from_bytes(copy["Body"].encode())
    clock = Clock(envelope.signed_at)
    judge = Verifier(
        certificates=Certificates(fetch=Fetcher(clock), clock=clock),
        topics=TopicAllowList.from_patterns([topic]),
        clock=clock,
        max_age=timedelta(0),
    )
    assert envelope.message.endswith("\n")
    assert verdict(lambda: judge.verify(envelope)) == (200, "verified")
