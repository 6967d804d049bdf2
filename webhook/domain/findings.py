"""What can be found to be not as it should be, each with a code, a sentence and what to do about it."""

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How bad it is. Only an error makes `check` or `doctor` fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Code(StrEnum):
    """What can be found, and what it means. From 600 on `doctor` finds it, in AWS or on the way from there."""

    SETTINGS = "E101"
    NO_TOPICS = "W101"
    TRUSTED_ORIGINS = "W102"
    NO_TOKENS = "W103"
    DATABASE = "E201"
    NO_DENOMINATOR = "W301"
    NEVER_TOLD = "N302"
    QUARANTINE = "W401"
    UNSUBSCRIBED = "W402"
    LAG = "W501"

    NO_CREDENTIALS = "E601"
    BAD_CREDENTIALS = "E602"
    NO_REGION = "E603"
    DENIED = "E604"
    UNREAD = "E605"
    SANDBOX = "W606"
    SENDING_PAUSED = "E607"
    SHUTDOWN = "E608"
    PROBATION = "W609"

    NO_TOPIC = "E610"
    TOPIC_MISSING = "E611"
    SES_SHUT_OUT = "E612"
    EVENTS_SHUT_OUT = "W613"
    OPEN_TO_ALL = "E614"
    OLD_SIGNATURE = "W615"
    KEY_UNREAD = "N616"
    KEY_SHUTS_OUT = "E617"
    SES_BY_DEFAULT = "W618"

    NOT_SUBSCRIBED = "E620"
    UNCONFIRMED = "E621"
    RAW = "E622"
    OTHER_ENDPOINT = "E623"
    FILTERED = "E624"
    SHORT_RETRIES = "W626"
    QUEUE_ONLY = "N627"

    NO_DEAD_LETTERS = "W630"
    DEAD_LETTERS_GONE = "E631"
    DEAD_LETTERS_SHUT = "E632"
    DEAD_LETTERS_WAITING = "W633"

    SET_MISSING = "E640"
    NO_DESTINATION = "E641"
    DESTINATION_OFF = "E642"
    NO_FEEDBACK = "E643"
    NO_VOLUME = "E644"
    FEW_TYPES = "W645"
    METRICS_OFF = "W646"
    SET_PAUSED = "W647"

    NO_DEFAULT_SET = "W650"
    FORWARDING = "N651"
    UNTOLD = "E652"
    PARTLY_TOLD = "E653"
    TOLD_TWICE = "N654"
    NO_SUCH_IDENTITY = "E655"

    NO_SES_RULE = "W660"
    NO_HEALTH_RULE = "W661"
    RULE_OFF = "W662"
    RULE_ELSEWHERE = "W663"

    QUEUE_MISSING = "E670"
    QUEUE_UNSUBSCRIBED = "E671"
    QUEUE_RAW = "E672"
    QUEUE_BACKLOG = "W673"
    QUEUE_SHUT = "E674"

    NO_PUBLIC_URL = "E680"
    NOT_HTTPS = "W681"
    NOT_ANSWERING = "E682"
    CERTIFICATE_EXPIRED = "E683"
    CERTIFICATE_EXPIRES = "W684"
    CERTIFICATE_BAD = "E685"
    NOT_READY = "E686"
    CLOCK_SKEW = "W687"

    NOT_IN_SES = "N690"
    NOT_REGISTERED = "N691"

    @property
    def severity(self) -> Severity:
        """The letter says it."""
        return {"E": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}[self.value[0]]


class Finding(Struct, frozen=True):
    """One thing that is not as it should be: what is, what mends it and, where that says more, what `should` be."""

    code: Code
    sentence: str
    fix: str
    should: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.code.severity
