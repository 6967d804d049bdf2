"""Topics: whose messages we take, and which addresses Amazon SNS may use for a topic's partition and region.

Signed addresses are compared as text with the one address that SNS uses; nothing is parsed, so no two parsers can
disagree about what an address means.
"""

import re
from collections.abc import Iterable
from typing import Self
from urllib.parse import parse_qsl

import msgspec

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]{0,12}):sns:(?P<region>[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2})"
    r":(?P<account>[0-9]{12}):(?P<name>[A-Za-z0-9_-]{1,256}(?:\.fifo)?)"
)
_PATTERN = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:\*")
_CERTIFICATE_FILE = re.compile(r"SimpleNotificationService-[0-9a-f]{32}\.pem")
_EMULATED_CERTIFICATE_PATH = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*[A-Za-z0-9_~-][A-Za-z0-9._~-]*\.pem")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_QUERY = re.compile(r"[A-Za-z0-9%._~:=&*-]{1,2000}")

_SUFFIXES = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}
_REGION_PREFIXES = {"aws-cn": "cn-", "aws-us-gov": "us-gov-"}

# The names are those that AWS's own validator expects: SnsHostProvider.java of aws-sdk-java-v2, sns-message-manager.
_DEFAULT_REGIONS = frozenset(
    {
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "ca-central-1",
        "sa-east-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "eu-central-1",
        "eu-north-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-south-1",
    }
)
_OPT_IN_REGIONS = frozenset(
    {
        "ap-east-1",
        "ap-east-2",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "me-south-1",
        "me-central-1",
        "eu-south-1",
        "eu-south-2",
        "eu-central-2",
        "af-south-1",
        "il-central-1",
        "ca-west-1",
        "mx-central-1",
    }
)


class TopicArn(msgspec.Struct, frozen=True):
    """The parts of an SNS topic's ARN."""

    partition: str
    region: str
    account: str
    name: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The topic with this ARN; raises ValueError if it is not one."""
        match = _ARN.fullmatch(text)
        if match is None:
            raise ValueError(f"not the ARN of an SNS topic: {text[:100]!r}")
        return cls(**match.groupdict())

    @property
    def sns_host(self) -> str:
        """The host of SNS for this topic; raises ValueError where the partition is not supported."""
        return sns_host(self.partition, self.region)


def sns_host(partition: str, region: str) -> str:
    """The only host on which SNS serves this region's certificates and confirmations.

    Raises ValueError for a partition that is not supported, or a region that lies in another partition.
    """
    suffix = _SUFFIXES.get(partition)
    if suffix is None:
        raise ValueError(f"the partition {partition!r} is not supported")
    home = next((name for name, prefix in _REGION_PREFIXES.items() if region.startswith(prefix)), "aws")
    if home != partition:
        raise ValueError(f"the region {region!r} is not in the partition {partition!r}")
    return f"sns.{region}.{suffix}"


def signing_names(partition: str, region: str) -> frozenset[str]:
    """The host names of which the signing certificate of this region bears one."""
    if partition == "aws-cn":
        return frozenset({f"sns-{region}.amazonaws.com.cn"})
    if partition == "aws-us-gov":
        return frozenset({"sns-us-gov-west-1.amazonaws.com"})
    if region in _DEFAULT_REGIONS:
        return frozenset({"sns.amazonaws.com"})
    own = f"sns-signing.{region}.amazonaws.com"
    # Of a region younger than these lists we cannot know which; both names are Amazon's own.
    return frozenset({own}) if region in _OPT_IN_REGIONS else frozenset({own, "sns.amazonaws.com"})


class TopicAllowList:
    """The topics that may post to us. Everything else on SNS is some stranger's topic, however well it is signed."""

    def __init__(self, exact: frozenset[str], prefixes: frozenset[str]) -> None:
        self._exact = exact
        self._prefixes = prefixes

    @classmethod
    def from_patterns(cls, patterns: Iterable[str]) -> Self:
        """The list of these topic ARNs, in which `*` may stand for the whole name; raises ValueError naming a bad one.

        A wider wildcard is refused: with any account in it, anyone's topic would be ours.
        """
        exact, prefixes = set[str](), set[str]()
        for pattern in patterns:
            if _PATTERN.fullmatch(pattern):
                _require_supported(pattern[:-1] + "any")
                prefixes.add(pattern[:-1])
            elif "*" in pattern:
                raise ValueError(f"in a topic ARN, * may only stand for the whole name: {pattern!r}")
            else:
                _require_supported(pattern)
                exact.add(pattern)
        return cls(frozenset(exact), frozenset(prefixes))

    def allows(self, topic_arn: str) -> bool:
        """Whether this topic is ours. A set look-up; only a topic taken by a wildcard has its form checked."""
        if topic_arn in self._exact:
            return True
        account, colon, _ = topic_arn.rpartition(":")
        return account + colon in self._prefixes and _ARN.fullmatch(topic_arn) is not None


def _require_supported(topic_arn: str) -> None:
    topic = TopicArn.from_text(topic_arn)
    sns_host(topic.partition, topic.region)


class Origins:
    """Where certificates and confirmations of a topic may come from: SNS's host, and origins trusted by the operator.

    A trusted origin (`http://127.0.0.1:4566`) belongs to an emulator; it is compared exactly: scheme, host and port.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """Raises ValueError naming an origin that is not one."""
        self._trusted = tuple(trusted)
        for origin in self._trusted:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"not an origin such as http://127.0.0.1:4566 : {origin[:100]!r}")

    def trusted(self, url: str) -> str | None:
        """The trusted origin of this address, or None."""
        return next((origin for origin in self._trusted if url.startswith(origin + "/")), None)

    def allow_certificate(self, url: str, topic: TopicArn) -> bool:
        """Whether `url` is where a signing certificate of this topic may be fetched."""
        if origin := self.trusted(url):
            return _EMULATED_CERTIFICATE_PATH.fullmatch(url, len(origin)) is not None
        folder = f"https://{topic.sns_host}/"
        return url.startswith(folder) and _CERTIFICATE_FILE.fullmatch(url, len(folder)) is not None

    def allow_confirmation(self, url: str, topic: TopicArn, topic_arn: str, token: str) -> bool:
        """Whether `url` does nothing but confirm, with this token, a subscription to this topic."""
        prefix = (self.trusted(url) or f"https://{topic.sns_host}") + "/?"
        if not url.startswith(prefix) or not _QUERY.fullmatch(url, len(prefix)):
            return False
        query = parse_qsl(url[len(prefix) :], keep_blank_values=True)
        return sorted(query) == [("Action", "ConfirmSubscription"), ("Token", token), ("TopicArn", topic_arn)]
