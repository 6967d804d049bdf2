"""Reading that may fail: what could not be read is a finding, and the rest is read all the same."""

from collections.abc import Iterator
from contextlib import contextmanager

from webhook.domain.findings import Code, Finding
from webhook.errors import AwsError, Limited, begun_small

_CODES = {
    "aws_no_credentials": Code.NO_CREDENTIALS,
    "aws_bad_credentials": Code.BAD_CREDENTIALS,
    "aws_no_region": Code.NO_REGION,
    "aws_access_denied": Code.DENIED,
}
#: Without these nothing can be read at all.
FATAL = frozenset({Code.NO_CREDENTIALS, Code.BAD_CREDENTIALS, Code.NO_REGION})


class Attempts:
    """Collects what could not be read, each reason once."""

    def __init__(self) -> None:
        self._findings: dict[str, Finding] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Why something could not be read."""
        return tuple(self._findings.values())

    @property
    def hopeless(self) -> bool:
        """Whether there is no use in asking AWS anything more."""
        return any(finding.code in FATAL for finding in self._findings.values())

    @contextmanager
    def at(self, what: str) -> Iterator[None]:
        """Reads `what`; if AWS does not let us, what is inside ends there, and what comes after goes on."""
        try:
            yield
        except AwsError as error:
            finding = unread(error, what)
            self._findings.setdefault(f"{finding.code} {error.detail}", finding)
        except Limited as error:
            sentence = f"{what} could not be read: {error.detail}."
            fix = "try again later: somebody else uses up SES's one call a second"
            self._findings.setdefault(sentence, Finding(Code.UNREAD, sentence, fix))


def unread(error: AwsError, what: str) -> Finding:
    """Why `what` could not be read, as a finding."""
    code = _CODES.get(error.code, Code.UNREAD)
    sentence = error.detail.rstrip(".")
    if code not in FATAL:
        sentence = f"{sentence}; so {what} could not be looked at"
    return Finding(code, f"{sentence}.", begun_small(error.hint.rstrip(".")), _SHOULD.get(code, ""))


_SHOULD = {
    Code.DENIED: "what python -m webhook policy prints",
    Code.NO_CREDENTIALS: "credentials that may read",
    Code.BAD_CREDENTIALS: "credentials that are in force",
    Code.NO_REGION: "the region in which SES is used",
}
