"""The counting rules a second time, naively: what the product counts must equal what this counts.

Keeps every message and recomputes everything from scratch on every question, with sets, without any state in between.
Slow on purpose, and written from the documented rules alone, never from the product's code.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

Payload = dict[str, Any]
Verdict = dict[str, Any]

SIMULATOR = "simulator.amazonses.com"
HELD_BACK_COMPLAINT = {"OnAccountSuppressionList", "OnTenantSuppressionList"}
HELD_BACK = HELD_BACK_COMPLAINT | {"EmailValidationSuppressed", "UnsubscribedRecipient"}
SENDING = {"Send", "Delivery", "DeliveryDelay", "Reject", "Rendering Failure"}
KINDS = SENDING | {"Bounce", "Complaint", "Open", "Click"}
JUDGED = ("sent", "bounces", "complaints")
COUNTERS = (*JUDGED, "delivered", "soft", "delays", "rejects", "opens", "clicks", "rendering_failures", "held")
# A suppression-list complaint says that SES did not send to the complained recipients, so they are held-back pairs.
COMPLAINTS_HOLD_BACK = True


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits a domain is judged by; the documented defaults. `min_sent` is at least 1."""

    bounce_limit: Fraction = Fraction(5, 100)
    complaint_limit: Fraction = Fraction(1, 1000)
    warn_at: Fraction = Fraction(8, 10)
    min_sent: int = 100
    volume: int = 1000
    min_days: int = 1
    max_days: int = 90


def kind_of(message: Payload) -> str:
    """Return the kind both producers mean, "" for what is no event about a mail."""
    kind = message.get("eventType") or message.get("notificationType") or ""
    return kind if kind in KINDS and "mail" in message else ""


def address(text: str) -> str:
    """Return the bare address in lower case: `Jane <Jane@X.example>` gives `jane@x.example`."""
    if "<" in text:
        text = text[text.rindex("<") + 1 : text.rindex(">")]
    return text.strip().lower()


def host(text: str) -> str:
    """Return the domain part of an address, or the domain itself."""
    return address(text).rpartition("@")[2]


def at_simulator(bare: str) -> bool:
    """Tell whether an address is one of SES's mailbox simulator."""
    return host(bare) == SIMULATOR


def sent_at(message: Payload) -> datetime:
    """Return `mail.timestamp` in UTC; SES writes `…Z`, `…-07:00` and `… +0000`."""
    return datetime.fromisoformat(message["mail"]["timestamp"].replace(" ", "")).astimezone(UTC)


def domain_by_rank(message: Payload) -> tuple[int, str]:
    """Return how good the best source of the domain is (0 is best), and the domain."""
    mail = message["mail"]
    if mail.get("sourceArn"):
        return 0, host(mail["sourceArn"].partition(":identity/")[2])
    if mail.get("tags", {}).get("ses:from-domain"):
        return 1, host(mail["tags"]["ses:from-domain"][0])
    return 2, host(mail["source"])


def wiring_of(message: Payload) -> str:
    """Return what switched this message on: a configuration set, or the notifications of an identity."""
    if "eventType" in message:
        return f"set:{message['mail'].get('tags', {}).get('ses:configuration-set', [''])[0]}"
    return "identity:" + domain_by_rank(message)[1]


def named(message: Payload) -> set[str]:
    """Return the addresses that the body of an event is about."""
    entries = [
        *message.get("bounce", {}).get("bouncedRecipients", []),
        *message.get("deliveryDelay", {}).get("delayedRecipients", []),
        *message.get("complaint", {}).get("complainedRecipients", []),
    ]
    plain = message.get("delivery", {}).get("recipients", [])
    return {address(text) for text in (*plain, *(entry["emailAddress"] for entry in entries))}


def held_back_bounce(message: Payload) -> bool:
    """Tell whether a Bounce says that SES itself did not send."""
    return message["bounce"]["bounceSubType"] in HELD_BACK


def held_back_complaint(message: Payload) -> bool:
    """Tell whether a Complaint says that SES itself did not send."""
    return message["complaint"].get("complaintSubType") in HELD_BACK_COMPLAINT


def counting_complaint(message: Payload) -> bool:
    """Tell whether a Complaint is one: no retraction, not held back, not only of the simulator."""
    who = named(message)
    retracted = message["complaint"].get("complaintFeedbackType") == "not-spam"
    simulated = bool(who) and all(at_simulator(bare) for bare in who)
    return not retracted and not held_back_complaint(message) and not simulated


class Mail:
    """All messages about one SES mail, and what they add up to."""

    def __init__(self, messages: Iterable[Payload]) -> None:
        self.messages = list(messages)
        self.id = self.messages[0]["mail"]["messageId"]

    def of(self, kind: str) -> list[Payload]:
        """Return the messages of one kind."""
        return [m for m in self.messages if kind_of(m) == kind]

    def has(self, *kinds: str) -> bool:
        """Tell whether any message is of one of the kinds."""
        return any(kind_of(m) in kinds for m in self.messages)

    def domain(self) -> str:
        """Return the domain by its best-ranked source, the alphabetically smallest of equals."""
        return min(domain_by_rank(m) for m in self.messages)[1]

    def day(self) -> str:
        """Return the UTC day of the smallest `mail.timestamp`."""
        return min(sent_at(m) for m in self.messages).date().isoformat()

    def destinations(self) -> set[str]:
        """Return the addresses of every `mail.destination`; where all are empty, those that events name."""
        told = {address(text) for m in self.messages for text in m["mail"].get("destination", [])}
        happened = [*self.of("Bounce"), *self.of("Delivery"), *self.of("DeliveryDelay")]
        return told or {bare for m in happened for bare in named(m)}

    def simulated(self) -> bool:
        """Tell whether the whole mail went to the simulator."""
        everyone = self.destinations()
        return bool(everyone) and all(at_simulator(bare) for bare in everyone)

    def pairs(self, messages: Iterable[Payload]) -> set[str]:
        """Return the recipients that messages name; a stranger stands for a mail's only destination."""
        everyone = self.destinations()
        found = set()
        for bare in (bare for m in messages for bare in named(m)):
            stranger = bare not in everyone
            found |= everyone if stranger and len(everyone) == 1 else {bare}
        return {bare for bare in found if not at_simulator(bare)}

    def held(self) -> set[str]:
        """Return the recipients SES held back itself."""
        held = self.pairs(m for m in self.of("Bounce") if held_back_bounce(m))
        if COMPLAINTS_HOLD_BACK:
            held |= self.pairs(m for m in self.of("Complaint") if held_back_complaint(m))
        return held

    def bounced(self, *types: str) -> set[str]:
        """Return the recipients with a bounce of one of the types, without the held-back ones."""
        return self.pairs(m for m in self.of("Bounce") if m["bounce"]["bounceType"] in types) - self.held()

    def sent(self) -> set[str]:
        """Return the recipients for whom SES accepted the mail."""
        if self.has("Reject", "Rendering Failure"):
            return set()
        everyone = {bare for bare in self.destinations() if not at_simulator(bare)}
        accepted = self.pairs([*self.of("Delivery"), *self.of("DeliveryDelay")])
        accepted |= self.pairs(self.of("Bounce")) & everyone
        if self.has("Send"):
            accepted |= everyone
        return accepted - self.held()

    def complaints(self) -> set[str]:
        """Return the feedback ids that count as complaints."""
        return {m["complaint"]["feedbackId"] for m in self.of("Complaint") if counting_complaint(m)}

    def counts(self) -> dict[str, int]:
        """Return every counter of this mail."""
        if self.simulated():
            return dict.fromkeys(COUNTERS, 0)
        return {
            "sent": len(self.sent()),
            "delivered": len(self.pairs(self.of("Delivery")) - self.held()),
            "bounces": len(self.bounced("Permanent")),
            "soft": len(self.bounced("Transient", "Undetermined")),
            "complaints": len(self.complaints()),
            "delays": len(self.pairs(self.of("DeliveryDelay"))),
            "rejects": int(self.has("Reject")),
            "opens": int(self.has("Open")),
            "clicks": int(self.has("Click")),
            "rendering_failures": int(self.has("Rendering Failure")),
            "held": len(self.held()),
        }


class Oracle:
    """What the numbers and verdicts must be after any messages, in any order, however often each was told."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._messages: list[Payload] = []

    def tell(self, payload: Payload) -> None:
        """Take one SES message; what is no event about a mail changes nothing."""
        if kind_of(payload):
            self._messages.append(payload)

    def mails(self) -> list[Mail]:
        """Return all mails that were told of."""
        by_id = defaultdict(list)
        for message in self._messages:
            by_id[message["mail"]["messageId"]].append(message)
        return [Mail(messages) for messages in by_id.values()]

    def days(self) -> dict[tuple[str, str], dict[str, int]]:
        """Return the counters by (domain, ISO day), without days on which all are zero."""
        total: dict[tuple[str, str], dict[str, int]] = {}
        for mail in self.mails():
            row = total.setdefault((mail.domain(), mail.day()), dict.fromkeys(COUNTERS, 0))
            for name, number in mail.counts().items():
                row[name] += number
        return {key: row for key, row in total.items() if any(row.values())}

    def providers(self, provider_of: Callable[[str], str] = host) -> dict[tuple[str, str, str], dict[str, int]]:
        """Return sent and bounces by (domain, ISO day, provider of the recipient), all-zero rows left out."""
        sent: Counter[tuple[str, str, str]] = Counter()
        bounces: Counter[tuple[str, str, str]] = Counter()
        for mail in (mail for mail in self.mails() if not mail.simulated()):
            sent.update((mail.domain(), mail.day(), provider_of(bare)) for bare in mail.sent())
            bounces.update((mail.domain(), mail.day(), provider_of(bare)) for bare in mail.bounced("Permanent"))
        return {key: {"sent": sent[key], "bounces": bounces[key]} for key in sent | bounces}

    def blind(self) -> set[str]:
        """Return the ids of mails that bounced or were complained of where no wiring shows how much is sent."""
        shown = defaultdict(set)
        for message in self._messages:
            shown[wiring_of(message)].add(kind_of(message))
        blind = set()
        for mail in self.mails():
            counts = mail.counts()
            kinds = {kind for message in mail.messages for kind in shown[wiring_of(message)]}
            if (counts["bounces"] or counts["complaints"]) and not kinds & {"Send", "Delivery"}:
                blind.add(mail.id)
        return blind

    def window(self, domain: str, today: date) -> list[str]:
        """Return the ISO days judged, today first."""
        days = self.days()
        chosen: list[str] = []
        sent = 0
        while len(chosen) < self.policy.max_days:
            day = (today - timedelta(days=len(chosen))).isoformat()
            chosen.append(day)
            sent += days.get((domain, day), {}).get("sent", 0)
            if sent >= self.policy.volume and len(chosen) >= self.policy.min_days:
                break
        return chosen

    def totals(self, domain: str, today: date, *, judged: bool) -> dict[str, int]:
        """Return sent, bounces and complaints of the window; `judged`: without the blind mails'."""
        window = self.window(domain, today)
        mails = [mail for mail in self.mails() if mail.domain() == domain and mail.day() in window]
        left_out = self.blind() if judged else set()
        rows = [mail.counts() for mail in mails if mail.id not in left_out]
        return {name: sum(row[name] for row in rows) for name in JUDGED}

    def verdict(self, domain: str, today: date) -> Verdict:
        """Return status, flags and reason, the window's length in days, and its totals (blind mails included)."""
        told, judged = (self.totals(domain, today, judged=only) for only in (False, True))
        status, flags, reason = self._judge(judged, blind=told != judged)
        days = len(self.window(domain, today))
        return {"status": status, "flags": flags, "reason": reason, **told, "days": days}

    def _judge(self, judged: dict[str, int], *, blind: bool) -> tuple[str, list[str], str | None]:
        policy, sent = self.policy, judged["sent"]
        limits = {"bounce": policy.bounce_limit, "complaint": policy.complaint_limit}
        numbers = {"bounce": judged["bounces"], "complaint": judged["complaints"]}
        above = sorted(name for name, limit in limits.items() if numbers[name] > limit * sent)
        near = [name for name, limit in limits.items() if numbers[name] >= policy.warn_at * limit * sent]
        if sent >= policy.min_sent and above:
            return "flagged", above, None
        if blind:
            return "insufficient_data", [], "no_denominator"
        if sent < policy.min_sent:
            return "insufficient_data", [], "too_few"
        return ("warning" if near else "healthy"), [], None
