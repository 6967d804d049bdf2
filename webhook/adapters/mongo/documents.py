"""Between the domain's values and MongoDB's documents."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache

from webhook.adapters.mongo.client import Document
from webhook.domain.counts import Counts
from webhook.domain.mail import Fact, Kind, Mail, Origin, Told
from webhook.pipeline import HISTORY

_ADVERSE = frozenset({Kind.BOUNCED.value, Kind.COMPLAINED.value})
# A mail outlives the moment after which its news is refused, so that no late copy finds it gone.
_MARGIN = timedelta(days=2)


def is_adverse(mail: Mail) -> bool:
    """True if it bounced or was complained of."""
    return not _ADVERSE.isdisjoint([fact.kind for fact in mail.facts])


def mail_document(mail: Mail, retention: timedelta, before: Mail | None = None) -> Document:
    """A mail as it is stored. `facts` are `[kind, who, type, subtype, code, at, detail]`, `last` the newest's time.

    `before` is the mail as it was known. If that was adverse already, it is `retold`: what it told may hold no more.
    """
    keep = HISTORY if is_adverse(mail) else retention
    document = {
        "_id": mail.id,
        "domain": mail.origin.domain,
        "rank": mail.origin.rank,
        "at": mail.at,
        "to": sorted(mail.recipients),
        "facts": [[*fact, *told] for fact, told in sorted(mail.facts.items())],
        "by": sorted(mail.wirings),
        "last": max((told.at for told in mail.facts.values()), default=mail.at),
        "expires": mail.at + keep + _MARGIN,
    }
    if before and is_adverse(before):
        document["retold"] = mail.id
    return document


def mail_of(document: Document) -> Mail:
    """The mail in a stored document."""
    return Mail(
        id=document["_id"],
        origin=Origin(document["rank"], document["domain"]),
        at=document["at"],
        recipients=frozenset(document["to"]),
        facts={Fact(*row[:5]): Told(*row[5:]) for row in document["facts"]},
        wirings=frozenset(document["by"]),
    )


def midnight(at: datetime) -> datetime:
    """The beginning of that UTC day."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


@lru_cache(maxsize=4096)
def field_name(counter: str) -> str:
    """A counter's name as a field name: MongoDB takes `.` for a path and `$` for an operator."""
    return counter.replace("%", "%25").replace(".", "%2E").replace("$", "%24").replace("\0", "%00")


@lru_cache(maxsize=4096)
def counter_name(field: str) -> str:
    """The counter that a field name stands for."""
    return field.replace("%00", "\0").replace("%24", "$").replace("%2E", ".").replace("%25", "%")


def counts_document(counts: Mapping[str, int]) -> Document:
    """Counters as a document."""
    return {field_name(name): count for name, count in counts.items()}


def counts_of(document: Mapping[str, int]) -> Counts:
    """The counters in a document; those that came to nothing are left out."""
    return {counter_name(field): count for field, count in document.items() if count}


def counters_id(domain: str, day: str) -> str:
    """The `_id` of a domain's counters of one day."""
    return f"{domain}/{day}"


def day_of(text: str) -> date:
    """The day in a stored text."""
    return date.fromisoformat(text)


def owner_of(domain: Document) -> str | None:
    """Whose a domain is, by its document; whatever else the platform may have put there is nobody we know."""
    owner = domain.get("owner")
    return owner if isinstance(owner, str) and owner else None
