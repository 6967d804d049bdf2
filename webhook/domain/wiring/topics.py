"""Findings about topics: are they there, who may publish to them, and how do they sign?"""

from collections.abc import Iterator

from webhook.domain.findings import Code, Finding
from webhook.domain.wiring.mending import setup
from webhook.domain.wiring.policies import Call, is_open, lets_in
from webhook.domain.wiring.publishers import events_of, publishers_of
from webhook.domain.wiring.seen import Policy, Seen, Topic

PUBLISH = "sns:Publish"
SES, EVENTS = "ses.amazonaws.com", "events.amazonaws.com"
_KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def judged(seen: Seen) -> Iterator[Finding]:
    """All about our topics in this region."""
    if seen.topics is not None and not seen.topics:
        yield _none(seen)
    for arn, topic in (seen.topics or {}).items():
        if topic is None:
            yield Finding(
                Code.TOPIC_MISSING,
                f"The topic {arn} does not exist.",
                f"{setup(seen)}, or take it out of SNS_TOPIC_ARNS",
                "a topic that is there",
            )
        elif topic.policy is not None:
            yield from _topic(seen, topic, topic.policy)


def _none(seen: Seen) -> Finding:
    region = seen.place.region
    sentence = "SNS_TOPIC_ARNS is not set for this command: a server with these settings refuses every SNS message."
    if seen.scope.topics:
        sentence = (
            f"Nothing in {region} leads to this service: none of the topics in SNS_TOPIC_ARNS is there and in use."
        )
    fix = f"{setup(seen, 'plan')}, put the lines that it prints into .env, restart the service, then {setup(seen)}"
    return Finding(Code.NO_TOPIC, sentence, fix, "the topics that SES publishes to")


def _topic(seen: Seen, topic: Topic, policy: Policy) -> Iterator[Finding]:
    if is_open(policy, PUBLISH):
        yield Finding(
            Code.OPEN_TO_ALL,
            f"Anybody in the world may publish to {topic.arn}, so anybody can forge bounces and complaints.",
            "bind the statement for everybody in the topic's access policy to your account (AWS:SourceAccount),"
            f" or: {setup(seen)}",
            "a policy that names who may publish",
        )
    yield from _shut_out(seen, topic, policy)
    if topic.signature_version == "1":
        yield Finding(
            Code.OLD_SIGNATURE,
            f"Messages of {topic.arn} are signed by SHA-1 (signature version 1).",
            f"aws sns set-topic-attributes --region {seen.place.region} --topic-arn {topic.arn}"
            " --attribute-name SignatureVersion --attribute-value 2",
            "signature version 2",
        )
    if topic.key:
        yield from _key(seen, topic, topic.key)


def _shut_out(seen: Seen, topic: Topic, policy: Policy) -> Iterator[Finding]:
    sources = publishers_of(seen, topic.arn)
    refused = [source for source in sources if not lets_in(policy, _publishing(seen, SES, topic, source))]
    by_default = [source for source in refused if lets_in(policy, _publishing(seen, SES, topic, source), as_owner=True)]
    shut_out = [source for source in refused if source not in by_default]
    if shut_out:
        yield Finding(
            Code.SES_SHUT_OUT,
            f"The policy of {topic.arn} does not let SES publish for {_named(shut_out)}: its events are lost.",
            _let_in(seen, SES, topic, shut_out),
            f"{SES} may do {PUBLISH}",
        )
    elif by_default:
        yield Finding(
            Code.SES_BY_DEFAULT,
            f"No statement of the policy of {topic.arn} names SES, which publishes for {_named(by_default)}:"
            " it hangs on the statement that SNS gives the owner (AWS:SourceOwner).",
            _let_in(seen, SES, topic, by_default),
            f"{SES} may do {PUBLISH}",
        )
    rules = [rule for rule in events_of(seen, topic.arn) if not lets_in(policy, _publishing(seen, EVENTS, topic, rule))]
    if rules:
        yield Finding(
            Code.EVENTS_SHUT_OUT,
            f"The policy of {topic.arn} does not let EventBridge publish for {_named(rules)}:"
            " news of verification and of sending status does not come.",
            _let_in(seen, EVENTS, topic, rules),
            f"{EVENTS} may do {PUBLISH}",
        )


def _publishing(seen: Seen, service: str, topic: Topic, source: str) -> Call:
    return Call(service, PUBLISH, topic.arn, source, seen.place.account)


def _let_in(seen: Seen, service: str, topic: Topic, sources: list[str]) -> str:
    return (
        f"{setup(seen)} if that made the topic; else add to the topic's access policy (SNS console,"
        f" {topic.arn.rpartition(':')[2]}, Edit) a statement that lets {service} do {PUBLISH} where AWS:SourceArn is"
        f" {' or '.join(sources[:3])}"
    )


def _named(sources: list[str]) -> str:
    names = [source.rpartition(":")[2] for source in sources]
    rest = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest


def _key(seen: Seen, topic: Topic, key: str) -> Iterator[Finding]:
    sources = publishers_of(seen, topic.arn)
    policy = seen.keys.get(key)
    lets = "a statement that lets ses.amazonaws.com and events.amazonaws.com do kms:GenerateDataKey* and kms:Decrypt"
    if key.endswith("alias/aws/sns"):
        told = "with Amazon's own key, which neither SES nor EventBridge may use: their events are lost"
        mend = f"encrypt it with a customer managed key: {setup(seen, 'apply --kms-key ARN')}"
        yield Finding(Code.KEY_SHUTS_OUT, f"The topic {topic.arn} is encrypted {told}.", mend, "a key that SES may use")
    elif policy is None:
        told = f"with the key {key}, whose policy could not be read: if it does not let SES in, its events are lost"
        yield Finding(
            Code.KEY_UNREAD,
            f"The topic {topic.arn} is encrypted {told}.",
            f"see in the key's policy that it has {lets}",
        )
    elif not all(
        lets_in(policy, Call(SES, action, key, source, seen.place.account))
        for source in sources
        for action in _KEY_ACTIONS
    ):
        told = f"with the key {key}, whose policy does not let SES use it: its events are lost"
        yield Finding(
            Code.KEY_SHUTS_OUT,
            f"The topic {topic.arn} is encrypted {told}.",
            f"add to the key's policy (KMS console) {lets}",
            "a key that SES may use",
        )
