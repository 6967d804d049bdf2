"""Every setting: its name, how it is read, its default and what it means. The only reader of the environment."""

import difflib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Self

from dotenv import dotenv_values

from webhook import parsing
from webhook.errors import Misconfigured

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("json", "text")
COUNTERS_KEPT_DAYS = 400
_DAY = 86_400

_CLUSTER_NAME = re.compile(r"\w+_SERVICE_(?:HOST|PORT)\w*|\w+_PORT(?:_\d+_\w+)?")


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings, checked. A default here is the default of the setting; `from_environment` is how it is filled."""

    mongodb_uri: str | None = field(default=None, repr=False)
    data_dir: Path = field(default_factory=lambda: Path("./data").absolute())
    port: int = 8000
    web_concurrency: int = field(default_factory=cores)
    log_level: str = "info"
    log_format: str = field(default_factory=lambda: "text" if sys.stdout.isatty() else "json")
    sns_topic_arns: tuple[str, ...] = ()
    sns_cert_dir: Path | None = None
    sns_trusted_origins: tuple[str, ...] = ()
    sns_max_age_seconds: int = 1_209_600
    bounce_rate_limit: Fraction = Fraction(5, 100)
    complaint_rate_limit: Fraction = Fraction(1, 1000)
    reputation_warn_at: Fraction = Fraction(8, 10)
    reputation_min_sent: int = 100
    reputation_volume: int = 1000
    reputation_min_days: int = 1
    reputation_max_days: int = 90
    event_retention_days: int = 30
    max_pending: int = 2000
    aws_sdk_region: str | None = None
    aws_sdk_access_key_id: str | None = field(default=None, repr=False)
    aws_sdk_secret_access_key: str | None = field(default=None, repr=False)
    aws_endpoint_url: str | None = None
    aws_ses_auto_register: bool = True
    aws_ses_enable_sending: bool = False
    ses_configuration_set: str | None = None
    ses_tenant_prefix: str | None = None
    sending_flagged: str = "refuse"
    reputation_action: str = "none"
    dmarc_rua: str | None = None
    sqs_queue_urls: tuple[str, ...] = ()
    ses_suppression_sync: str = "off"
    prices_file: Path | None = None
    dns_resolvers: tuple[str, ...] = ("1.1.1.1", "8.8.8.8")
    api_tokens: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    public_url: str | None = None
    secret_key: tuple[str, ...] = field(default=(), repr=False)
    alert_allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    alert_email_from: str | None = None
    alert_smtp_url: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, dotenv: Path | None = Path(".env")) -> Self:
        """Read the environment, and `.env` for what it leaves open; raises Misconfigured naming all that is wrong.

        An empty value is the same as none. The message is one line: each wrong setting with its fix, joined by "; ".
        """
        given, problems = _gather(environ, dotenv)
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            if (text := given.get(setting.name)) is None:
                continue
            try:
                values[setting.attribute] = setting.parse(text)
            except ValueError as exc:
                problems.append(f"{setting.name} {exc}" + ("" if setting.secret else f", not {text[:80]!r}"))
        settings = cls(**_fitting(values))
        problems += settings._contradictions()
        if problems:
            raise Misconfigured("; ".join(problems))
        return settings

    def warnings(self) -> Iterator[str]:
        """What an operator should know at the start though it is not wrong."""
        if not self.sns_topic_arns:
            yield "SNS_TOPIC_ARNS is not set: every SNS message will be refused; set it in .env (docs/configuration.md)"
        if self.sns_trusted_origins:
            yield f"SNS_TRUSTED_ORIGINS is set: certificates of {', '.join(self.sns_trusted_origins)} are believed"
        if self.mongodb_uri and not self.secret_key:
            yield "SECRET_KEY is not set: no webhook for alerts can be made; set it in .env (docs/configuration.md)"

    def _contradictions(self) -> Iterator[str]:
        if self.sns_max_age_seconds > self.event_retention_days * _DAY:
            yield "SNS_MAX_AGE_SECONDS must not exceed EVENT_RETENTION_DAYS, or old mail would be counted twice"
        if self.reputation_min_days > self.reputation_max_days:
            yield "REPUTATION_MIN_DAYS must not exceed REPUTATION_MAX_DAYS"
        if (self.aws_sdk_access_key_id is None) != (self.aws_sdk_secret_access_key is None):
            yield "AWS_SDK_ACCESS_KEY_ID and AWS_SDK_SECRET_ACCESS_KEY must be given together"
        if not self.aws_endpoint_url and not all(map(parsing.is_amazon_queue, self.sqs_queue_urls)):
            yield "SQS_QUEUE_URLS names a queue that is not Amazon's: set AWS_ENDPOINT_URL to its emulator as well"


def child_environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process: ours, with `overrides`."""
    return {**os.environ, **overrides}


def _fitting(values: dict[str, Any]) -> dict[str, Any]:
    """Let the age limit follow a shorter retention, unless it was set by hand."""
    days = values.get("event_retention_days")
    if days is not None and "sns_max_age_seconds" not in values:
        values["sns_max_age_seconds"] = min(days * _DAY, Settings().sns_max_age_seconds)
    return values


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table of settings; `default` is how the default is written down."""

    name: str
    parse: Callable[[str], Any]
    default: str
    meaning: str
    secret: bool = False

    @property
    def attribute(self) -> str:
        """Its attribute of `Settings`."""
        return self.name.lower()


SETTINGS: tuple[Setting, ...] = (
    Setting("MONGODB_URI", parsing.mongodb_uri, "embedded", "a replica set or sharded cluster to use", secret=True),
    Setting("DATA_DIR", parsing.path, "./data", "where the embedded MongoDB keeps its files"),
    Setting("PORT", parsing.whole_number(1, 65_535), "8000", "the port of the web server"),
    Setting("WEB_CONCURRENCY", parsing.whole_number(1, 512), "cores", "web server processes"),
    Setting("LOG_LEVEL", parsing.one_of(LOG_LEVELS), "info", "the least serious line to log"),
    Setting("LOG_FORMAT", parsing.one_of(LOG_FORMATS), "json off a terminal, else text", "how a log line looks"),
    Setting("SNS_TOPIC_ARNS", parsing.topic_arns, "none", "the topics that may post"),
    Setting("SNS_CERT_DIR", parsing.folder, "none", "signing certificates to use without fetching them"),
    Setting(
        "SNS_TRUSTED_ORIGINS", parsing.origins, "none", "emulators whose certificates and SubscribeURLs are accepted"
    ),
    Setting(
        "SNS_MAX_AGE_SECONDS",
        parsing.whole_number(60, COUNTERS_KEPT_DAYS * _DAY),
        "1209600",
        "how old a signed message may be",
    ),
    Setting("BOUNCE_RATE_LIMIT", parsing.share(one_allowed=False), "0.05", "a domain strictly above is flagged"),
    Setting("COMPLAINT_RATE_LIMIT", parsing.share(one_allowed=False), "0.001", "a domain strictly above is flagged"),
    Setting("REPUTATION_WARN_AT", parsing.share(one_allowed=True), "0.8", "warning from this share of a limit"),
    Setting("REPUTATION_MIN_SENT", parsing.whole_number(1, 10**9), "100", "fewer accepted mails are not judged"),
    Setting(
        "REPUTATION_VOLUME", parsing.whole_number(1, 10**9), "1000", "accepted mails that the window reaches back for"
    ),
    Setting("REPUTATION_MIN_DAYS", parsing.whole_number(1, COUNTERS_KEPT_DAYS), "1", "the shortest window, in days"),
    Setting("REPUTATION_MAX_DAYS", parsing.whole_number(1, COUNTERS_KEPT_DAYS), "90", "the longest window, in days"),
    Setting(
        "EVENT_RETENTION_DAYS",
        parsing.whole_number(1, COUNTERS_KEPT_DAYS),
        "30",
        "how long a mail is kept after it was sent",
    ),
    Setting("MAX_PENDING", parsing.whole_number(1, 10**6), "2000", "requests that may wait for the commit"),
    Setting("AWS_SDK_REGION", parsing.aws_region, "boto3's own chain", "the AWS region"),
    Setting("AWS_SDK_ACCESS_KEY_ID", str, "boto3's own chain", "AWS credentials", secret=True),
    Setting("AWS_SDK_SECRET_ACCESS_KEY", str, "boto3's own chain", "AWS credentials", secret=True),
    Setting("AWS_ENDPOINT_URL", parsing.web_address, "none", "another address for AWS's API, as in boto3"),
    Setting("AWS_SES_AUTO_REGISTER", parsing.boolean, "true", "register domains that are added with SES"),
    Setting("AWS_SES_ENABLE_SENDING", parsing.boolean, "false", "allow sending through the API"),
    Setting("SES_CONFIGURATION_SET", parsing.ses_name, "none", "added to what is sent and registered"),
    Setting("SES_TENANT_PREFIX", parsing.tenant_prefix, "none", "give each domain an SES tenant of this prefix"),
    Setting("SQS_QUEUE_URLS", parsing.queue_urls, "none", "queues to take SNS messages from, beside HTTPS"),
    Setting(
        "SES_SUPPRESSION_SYNC",
        parsing.one_of(("off", "pull", "both")),
        "off",
        "keep step with the suppression list of the SES account",
    ),
    Setting("PRICES_FILE", parsing.path, "the one that comes along", "a price table of your own, for costs"),
    Setting("SENDING_FLAGGED", parsing.one_of(("refuse", "allow")), "refuse", "what a flagged domain may send"),
    Setting("REPUTATION_ACTION", parsing.one_of(("none", "pause")), "none", "what happens to a flagged domain"),
    Setting("DMARC_RUA", parsing.mail_address, "none", "where customers' DMARC reports are to go"),
    Setting("DNS_RESOLVERS", parsing.resolvers, "1.1.1.1,8.8.8.8", "public resolvers that the DNS doctor asks"),
    Setting("API_TOKENS", parsing.named_tokens, "none", "tokens of the API", secret=True),
    Setting("PUBLIC_URL", parsing.web_address, "none", "how the outside reaches this service"),
    Setting(
        "SECRET_KEY",
        parsing.secret_keys,
        "kept in DATA_DIR",
        "encrypts stored secrets of alert endpoints; with MONGODB_URI there is no default",
        secret=True,
    ),
    Setting("ALERT_ALLOW_NETWORKS", parsing.networks, "none", "private networks that alerts may reach"),
    Setting("ALERT_EMAIL_FROM", parsing.mail_address, "none", "the address that alerts by e-mail come from"),
    Setting("ALERT_SMTP_URL", parsing.smtp_url, "none", "the mail server that sends them; else SES does", secret=True),
)

_SECRETS = tuple(setting.name for setting in SETTINGS if setting.secret)
KNOWN_NAMES = frozenset(setting.name for setting in SETTINGS) | {f"{name}_FILE" for name in _SECRETS}


# -- gathering


def _gather(environ: Mapping[str, str], dotenv: Path | None) -> tuple[dict[str, str], list[str]]:
    """The texts that were given, the environment before `.env` and secrets read from their files; and the problems."""
    written = dotenv_values(dotenv, interpolate=False) if dotenv else {}
    problems = [*_strangers(environ, written)]
    given = {name: environ[name].strip() for name in KNOWN_NAMES if environ.get(name, "").strip()}
    for name, text in written.items():
        twin = name.removesuffix("_FILE") if name.endswith("_FILE") else f"{name}_FILE"
        if text and text.strip() and name in KNOWN_NAMES and environ.keys().isdisjoint({name, twin}):
            given[name] = text.strip()
    for name in _SECRETS:
        if path := given.pop(f"{name}_FILE", None):
            problems += _read_secret(name, path, given)
    return given, problems


def _read_secret(name: str, path: str, given: dict[str, str]) -> Iterator[str]:
    if name in given:
        yield f"{name} and {name}_FILE are both set: keep one"
        return
    try:
        given[name] = Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        yield f"{name}_FILE cannot be read ({getattr(exc, 'strerror', None) or 'not UTF-8 text'}): {path}"


def _strangers(environ: Mapping[str, str], written: Mapping[str, str | None]) -> Iterator[str]:
    for name in sorted({*filter(_looks_like_ours, environ), *written} - KNOWN_NAMES):
        likely = difflib.get_close_matches(name, sorted(KNOWN_NAMES), n=1)
        yield f"{name} is not a setting" + (f": did you mean {likely[0]}?" if likely else ": remove it")


def _looks_like_ours(name: str) -> bool:
    """A name of the environment that can only be a misspelt setting; the names a cluster gives its services are not."""
    if name.startswith(("SNS_", "REPUTATION_")):
        return not _CLUSTER_NAME.fullmatch(name)
    return (
        any(len(known) > 5 and parsing.one_letter_off(name, known) for known in KNOWN_NAMES - {name})
        and name not in KNOWN_NAMES
    )


# -- metrics of several processes


def shares_metrics() -> bool:
    """Whether this process shares its metrics with others, as Prometheus's client library was told."""
    return bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
