"""What a live trial shows: that the chain works, or which link is broken, why, and how to mend it. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from webhook.domain.findings import Code, Finding
from webhook.domain.live.links import LINK_OF, Link, breaking
from webhook.domain.live.refusals import NOT_ALLOWED, REFUSALS, UNAVAILABLE
from webhook.domain.live.trial import Passage, Sender, missing

_START = "start it: python -m webhook worker (script/server and serve start one)"
_READ_LOG = "see the log of the worker (python -m webhook worker); the message is kept: python -m webhook quarantine"
_READING_FIX = (
    "subscribe the topic to /webhooks/sns, which takes every kind; then python -m webhook quarantine replay takes in"
    " what was set aside"
)
#: Findings that a topic which the settings of this command don't name brings about, be it ours or not.
_NOT_NAMED = frozenset({Code.NO_TOPIC, Code.TOPIC_MISSING, Code.NO_DESTINATION, Code.UNTOLD})
_UNREAD = frozenset({Code.DENIED, Code.UNREAD})


class Refusal(Struct, frozen=True):
    """What AWS had against a mail: one of our codes, a plain sentence, and the fix."""

    code: str
    detail: str
    hint: str


class Counted(NamedTuple):
    """What CloudWatch has counted at the topics so far: messages published to them, and deliveries that failed."""

    published: int
    failed: int


class Evidence(Struct, frozen=True, kw_only=True):
    """All that was observed.

    `answered` says how often this service answered with which word meanwhile, `buried` by how much each dead-letter
    queue grew, `database` why ours does not answer, `posted` whether the worker took what it was given to show its
    life, `by_queue` whether it is (also) the worker that takes messages in, from queues, `waited` the seconds waited.
    """

    passages: tuple[Passage, ...]
    waited: float
    posted: bool = True
    by_queue: bool = False
    refused: Refusal | None = None
    database: str = ""
    findings: tuple[Finding, ...] = ()
    answered: Mapping[str, int] = {}
    buried: Mapping[str, int] = {}
    counted: Counted | None = None


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether it works; if not, the broken `link` with a sentence, the fix, and the finding's code if there is one.

    `clues` are further observations, a sentence each; `blind` says that nothing could be looked up here.
    """

    works: bool
    sentence: str
    link: Link | None = None
    fix: str = ""
    code: Code | None = None
    clues: tuple[str, ...] = ()
    blind: bool = False


def judged(evidence: Evidence) -> Verdict:
    """The verdict: what is certain first, then what was read along the chain, in its order."""
    passages = evidence.passages
    if evidence.refused:
        return _not_sent(evidence.refused)
    if evidence.database:
        sentence = f"The database does not answer: {evidence.database.rstrip('.')}."
        fix = "start MongoDB, or correct MONGODB_URI"
        return Verdict(works=False, sentence=sentence, link=Link.DATABASE, fix=fix, blind=True)
    lacking = missing(passages)
    if not lacking and all(one.told for one in passages):
        return _worked(passages) if evidence.posted else _unjudged()
    reasons = sorted({reason for one in passages for reason in one.set_aside})
    if reasons:
        sentence = f"Messages came here and were not understood: {'; '.join(reasons)}."
        return _broken(Link.READING, sentence, _READING_FIX if "misrouted" in sentence else _READ_LOG)
    silent = not any(one.heard for one in passages)
    found = breaking(evidence.findings, lacking, silent=silent)
    clues = tuple(_clues(evidence))
    strange = NOT_ALLOWED in evidence.answered
    named = [one for one in found if not (strange and one.code in _NOT_NAMED)]
    if named:
        first = named[0]
        return _broken(LINK_OF[first.code], first.sentence, first.fix, code=first.code, clues=clues)
    elsewhere = tuple(one.sentence for one in found)
    return _turned_away(evidence.answered, elsewhere) or _guessed(evidence, clues, silent=silent)


def _worked(passages: tuple[Passage, ...]) -> Verdict:
    events = [heard for one in passages for heard in one.heard]
    last = max(heard.after for heard in events)
    sentence = (
        f"The chain works: {len(passages)} mails, {len(events)} events, the last of them here {last:.1f} s after SES"
        " took its mail. Mail to the simulator counts nowhere: no rate changed."
    )
    return Verdict(works=True, sentence=sentence)


def _not_sent(refused: Refusal) -> Verdict:
    fix = _SENDING_FIXES.get(refused.code, refused.hint.rstrip("."))
    return _broken(Link.SENDING, f"SES did not take the mail: {refused.detail.rstrip('.')}.", fix)


_SENDING_FIXES = {
    "aws_sandbox": "finish the verification of the domain (python -m webhook domains diagnose DOMAIN), or name another"
    " with --domain; the simulator itself needs neither verification nor production access",
    "aws_throttled": "try again in a minute: others send at the account's whole rate",
    "aws_timeout": "see whether this machine gets out to SES, and try again",
}


def _unjudged() -> Verdict:
    sentence = "All came here and is kept, but no worker takes what is to be judged: rates and alerts stand still."
    return _broken(Link.WORKER, sentence, _START)


def _turned_away(answered: Mapping[str, int], clues: tuple[str, ...]) -> Verdict | None:
    """What the service's own answers say: the most frequent one that took nothing in."""
    words = [word for word, times in answered.items() if word in REFUSALS and times > 0]
    if not words:
        return None
    word = max(words, key=lambda one: (one == NOT_ALLOWED, answered[one]))
    refusal = REFUSALS[word]
    link = Link.DATABASE if word == UNAVAILABLE else Link.ADMISSION
    sentence = f"SNS delivered, but this service answered {refusal.status} ({word}): {refusal.why}."
    return _broken(link, sentence, refusal.fix, clues=clues)


def _guessed(evidence: Evidence, clues: tuple[str, ...], *, silent: bool) -> Verdict:
    """Where nothing that was read is wrong: what failed to be delivered tells, or nothing does."""
    if evidence.by_queue and not evidence.posted:
        sentence = "No worker is at work: it is the worker that takes messages out of the queues of SQS_QUEUE_URLS."
        return _broken(Link.WORKER, sentence, _START, clues=clues)
    unread = [one for one in evidence.findings if one.code in _UNREAD]
    if any(evidence.buried.values()) or (evidence.counted and evidence.counted.failed):
        sentence = "SNS could not deliver: it does not reach the service, though all that was looked at is in order."
        fix = "see that proxy and firewall let SNS in from the internet, and that the certificate's whole chain is sent"
        return _broken(Link.ENDPOINT, sentence, fix, clues=clues)
    what = "Nothing" if silent else "Not everything"
    looked = "all that was looked at is in order" if not unread else "some of it could not be looked at"
    sentence = f"{what} came here within {evidence.waited:.0f} seconds, though {looked}."
    fix = "wait longer (--wait 600); see in the log of the proxy whether SNS gets through, which tries for an hour"
    if unread:
        fix = f"{unread[0].fix}; then run it again"
        clues = (*(one.sentence for one in unread), *clues)
    return _broken(Link.UNKNOWN, sentence, fix, clues=clues)


def _clues(evidence: Evidence) -> Iterator[str]:
    for queue, grown in evidence.buried.items():
        if grown > 0:
            yield f"The dead-letter queue {queue} grew by {grown:,} meanwhile."
    for word, times in evidence.answered.items():
        if word in REFUSALS and times > 0:
            yield f"This service answered {REFUSALS[word].status} ({word}) {times:,} times meanwhile."
    if evidence.counted and evidence.counted.published:
        yield (
            f"CloudWatch counts {evidence.counted.published:,} messages published to the topics so far, and"
            f" {evidence.counted.failed:,} failed deliveries."
        )


def note_of(sender: Sender) -> str:
    """What is to be known of the sender though the chain works, or ""."""
    if sender.known and sender.configuration_set and sender.default_set is None:
        return (
            f"{sender.identity} has no default configuration set: only mail that names {sender.configuration_set}"
            " itself is told of."
        )
    return ""


def _broken(link: Link, sentence: str, fix: str, *, code: Code | None = None, clues: tuple[str, ...] = ()) -> Verdict:
    return Verdict(works=False, sentence=sentence, link=link, fix=fix, code=code, clues=clues)
