"""Looking for a record where people put it by mistake, and for what slips into a value."""

import re
from collections.abc import Callable, Iterable, Iterator

from webhook.domain.dns.assessment import Case
from webhook.domain.dns.lookups import under
from webhook.domain.dns.mistakes import Hit, Mistake, hit

Matches = Callable[[str], bool]

_ESCAPED = re.compile(r"\\(?:(\d{3})|(.))", re.DOTALL)
_STRAY = re.compile(r"[\s\"'“”‘’<>/\\,;]|^cname\b|\.\.", re.IGNORECASE)


def misplaced(case: Case, matches: Matches, labels: Iterable[str] = ()) -> Hit | None:
    """The record, found at a wrong name; `matches` knows its value, `labels` are names to look at besides."""
    hits = [
        *_looked(case, matches, _doubled(case), Mistake.DOUBLED_DOMAIN),
        *_looked(case, matches, labels, Mistake.WRONG_LABEL),
        *_looked(case, matches, _without_subdomain(case), Mistake.SUBDOMAIN_LEFT_OUT),
    ]
    return hits[0] if hits else None


def _looked(case: Case, matches: Matches, names: Iterable[str], mistake: Mistake) -> Iterator[Hit]:
    for name in names:
        if any(map(matches, case.book.probe(name, case.expected.kind).values)):
            yield hit(mistake, found=name)


def _doubled(case: Case) -> Iterator[str]:
    """The name with the domain or the zone once more at its end."""
    yield from dict.fromkeys(f"{case.expected.name}.{again}" for again in (case.domain, case.zone.name) if again)


def _without_subdomain(case: Case) -> Iterator[str]:
    """For mail.example.com in the zone example.com: the name directly in the zone."""
    zone = case.zone.name
    if zone and zone != case.domain and under(case.domain, zone):
        rest = case.expected.name.removesuffix(case.domain).rstrip(".")
        if rest:
            yield f"{rest}.{zone}"


def wildcard_label(name: str) -> str:
    """A name beside this one that only a wildcard answers for."""
    return f"no-such-name-ses-sentinel.{name.partition('.')[2]}"


def plain(text: str) -> str:
    """A name as it was typed: DNS writes its odd characters as `\\"` or `\\032`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1])) if found[1] else found[2], text)


def stray_characters(value: str, expected: str) -> Hit | None:
    """A value that would be right without some characters that slipped in."""
    typed = plain(value)
    if not _STRAY.search(typed) or expected.lower() not in _STRAY.sub("", typed.lower().replace("https:", "")):
        return None
    return hit(Mistake.STRAY_CHARACTERS, found=typed, observed=typed)
