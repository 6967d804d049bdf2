"""A live trial: sends a mail to each of the simulator's mailboxes, follows them here, and finds the broken link."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from webhook.domain.live import (
    Evidence,
    Heard,
    Mailbox,
    Passage,
    Refusal,
    Sender,
    expected,
    hops,
    judged,
    note_of,
)
from webhook.domain.mail import Kind
from webhook.domain.ses import Outgoing
from webhook.errors import AwsError, Limited, Unavailable, begun_small
from webhook.live.choosing import choose
from webhook.live.roles import Chain, Records, Reserve, Ses, Timing
from webhook.live.standing import Report, Show, Standing

#: Mails a second: what even an account in the sandbox may send.
RATE = 1.0
#: Seconds that a mail may wait for its turn among those of others.
PATIENCE = 60.0
TRIES = 3
#: Seconds between two looks.
TICK = 0.25
#: Seconds for which the worker is waited for when all else is here; it takes what is new every few seconds.
WORKER = 15.0


class _Before(NamedTuple):
    """What was counted before anything was sent."""

    buried: Mapping[str, int]
    answers: Mapping[str, int] | None


class Trial:
    """One trial. What is asked of AWS before anything is wrong: the identity, the queues' sizes, and to send."""

    def __init__(
        self,
        ses: Ses,
        records: Records,
        chain: Chain,
        *,
        common_set: str | None,
        by_queue: bool,
        reserve: Reserve,
        clock: Timing,
        show: Show,
    ) -> None:
        self._ses = ses
        self._records = records
        self._chain = chain
        self._common_set = common_set
        self._by_queue = by_queue
        self._reserve = reserve
        self._clock = clock
        self._show = show
        self._began = clock.monotonic()
        self._since = clock.now()
        self._run = f"sentinel-{clock.entropy(3).hex()}"
        self._passages: dict[Mailbox, Passage] = {}
        self._taken: dict[Mailbox, float] = {}
        self._database = ""

    def run(self, name: str | None, wait: float) -> Report:
        """Sends from the identity `name` (None: the first that may send) and waits up to so many seconds for news.

        Raises:
            NotFound: no identity may send.
            Unavailable: the database does not answer at the beginning.
        """
        self._tell("looking for who sends")
        try:
            sender = choose(name, self._ses, self._records, self._chain, self._common_set)
        except (AwsError, Limited) as error:
            return self._report(None, Evidence(passages=(), waited=0, refused=_refused(error)))
        by_set = sender.configuration_set is not None
        self._passages = {
            one: Passage(mailbox=one, address=one.address(self._run), waits_for=expected(one, by_set=by_set))
            for one in Mailbox
        }
        self._tell("looking at dead-letter queues and at the service's numbers")
        before = _Before(self._chain.buried(), self._chain.answers())
        knock = self._records.knock()
        try:
            return self._report(sender, self._tried(sender, wait, knock, before))
        finally:
            with suppress(Unavailable):
                self._records.withdraw(knock)

    def _tried(self, sender: Sender, wait: float, knock: str, before: _Before) -> Evidence:
        refused = self._send_all(sender)
        if refused:
            return Evidence(passages=tuple(self._passages.values()), waited=0, refused=refused)
        posted = self._follow(wait, knock)
        evidence = Evidence(
            passages=tuple(self._passages.values()),
            waited=self._clock.monotonic() - self._last_taken,
            posted=posted,
            by_queue=self._by_queue,
            database=self._database,
        )
        return evidence if self._complete or self._database else self._explained(sender, evidence, before)

    def _explained(self, sender: Sender, evidence: Evidence, before: _Before) -> Evidence:
        """With all that may say why not everything arrived."""
        self._tell("looking along the chain for what keeps them")
        return replace(
            evidence,
            findings=tuple(self._chain.findings(sender, self._tell)),
            answered=_more(before.answers, self._chain.answers()),
            buried=_more(before.buried, self._chain.buried()),
            counted=self._chain.counted(self._since),
        )

    # -- sending

    def _send_all(self, sender: Sender) -> Refusal | None:
        """Sends one mail to each mailbox; what SES has against one of them, it has against all."""
        for mailbox in Mailbox:
            self._look()
            self._tell(f"sending to {mailbox.value}@")
            try:
                self._send(sender, mailbox)
            except (AwsError, Limited) as error:
                return _refused(error)
        return None

    def _send(self, sender: Sender, mailbox: Mailbox) -> None:
        mail = _mail(sender, self._passages[mailbox].address, self._run)
        for left in reversed(range(TRIES)):
            self._rest(self._reserve(f"ses:send:{sender.region}", RATE, patience=PATIENCE), mailbox)
            began = self._clock.monotonic()
            try:
                message_id = self._ses.send(mail)
            except AwsError as error:
                if error.code != "aws_throttled" or not left:
                    raise
                self._rest(error.retry_after, mailbox)
                continue
            self._taken[mailbox] = self._clock.monotonic()
            took = self._taken[mailbox] - began
            self._passages[mailbox] = replace(self._passages[mailbox], message_id=message_id, took=took)
            return

    def _rest(self, seconds: float, mailbox: Mailbox) -> None:
        """Lets the account's rate pass, and looks meanwhile what became of those that were sent."""
        ends = self._clock.monotonic() + seconds
        while (left := ends - self._clock.monotonic()) > 0:
            self._look()
            self._tell(f"sending to {mailbox.value}@")
            self._clock.sleep(min(TICK, left))

    # -- following

    def _follow(self, wait: float, knock: str) -> bool:
        """Looks until all is here or the time is up; True if the worker showed its life."""
        ends, posted = self._last_taken + wait, False
        while True:
            self._look()
            posted = posted or self._answered(knock)
            now = self._clock.monotonic()
            if self._complete:
                ends = min(ends, self._last_taken + self._last_heard + WORKER)
            if now >= ends or (self._complete and posted):
                return posted
            self._tell(self._waits_for(ends - now))
            self._clock.sleep(min(TICK, ends - now))

    @property
    def _last_taken(self) -> float:
        return max(self._taken.values())

    def _answered(self, knock: str) -> bool:
        try:
            return self._records.answered(knock)
        except Unavailable:
            return False

    @property
    def _complete(self) -> bool:
        return all(one.complete for one in self._passages.values())

    @property
    def _last_heard(self) -> float:
        return max((heard.after for one in self._passages.values() for heard in one.heard), default=0.0)

    def _waits_for(self, left: float) -> str:
        what = "the worker" if self._complete else "events"
        return f"waiting for {what}, {left:,.0f} s left"

    def _look(self) -> None:
        """Notes what became known since the last look."""
        try:
            facts = self._records.facts([one.message_id for one in self._passages.values() if one.sent])
            for mailbox, passage in self._passages.items():
                if passage.sent and not passage.complete:
                    self._passages[mailbox] = self._looked_at(passage, dict(facts.get(passage.message_id, ())))
            self._database = ""
        except Unavailable as error:
            self._database = error.detail

    def _looked_at(self, passage: Passage, known: Mapping[Kind, datetime]) -> Passage:
        after = self._clock.monotonic() - self._taken[passage.mailbox]
        news = tuple(Heard(kind, known[kind], after) for kind in passage.waits_for if kind in known)
        return replace(
            passage,
            heard=passage.heard + news,
            waits_for=tuple(kind for kind in passage.waits_for if kind not in known),
            set_aside=tuple(self._records.set_aside(passage.message_id, self._since)),
            told=passage.told or (bool(known) and self._records.tells(passage.message_id)),
        )

    # -- telling

    def _tell(self, doing: str) -> None:
        self._show(Standing(doing, self._clock.monotonic() - self._began, tuple(self._passages.values())))

    def _report(self, sender: Sender | None, evidence: Evidence) -> Report:
        verdict = judged(evidence)
        note = note_of(sender) if sender else ""
        report = Report(
            run=self._run,
            passages=evidence.passages,
            verdict=verdict,
            hops=tuple(hops(evidence.passages, verdict)),
            elapsed=self._clock.monotonic() - self._began,
            sender=sender,
            notes=(note,) if note else (),
        )
        self._tell("done")
        return report


def _mail(sender: Sender, address: str, run: str) -> Outgoing:
    return Outgoing(
        source=sender.address,
        to=(address,),
        subject=f"SES Sentinel tries the chain ({run})",
        text="Sent by `python -m webhook doctor --live` to Amazon's mailbox simulator. Nobody reads it.",
        configuration_set=sender.configuration_set,
        tenant=sender.tenant,
    )


def _refused(error: AwsError | Limited) -> Refusal:
    if isinstance(error, AwsError):
        return Refusal(error.code, error.detail, begun_small(error.hint))
    return Refusal("aws_throttled", error.detail, "")


def _more(before: Mapping[str, int] | None, after: Mapping[str, int] | None) -> dict[str, int]:
    """By how much each number grew; nothing is said of what was not known both times, or was counted anew."""
    if before is None or after is None:
        return {}
    return {name: after[name] - before.get(name, 0) for name in after if after[name] > before.get(name, 0)}
