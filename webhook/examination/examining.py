"""The examination: every region read and judged, then what lies between AWS and here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from webhook.domain.findings import Finding, Severity
from webhook.domain.wiring import Front, Scope, Seen, clocks_judged, domains_judged, front_judged, judged
from webhook.errors import AwsError
from webhook.examination.attempts import FATAL, Attempts, unread
from webhook.examination.looks import looked_at, looked_here
from webhook.examination.reading import Reader, Region
from webhook.examination.roles import Door, Registered, Tell


class Part(Struct, frozen=True):
    """What was found in one region, or ("" as the region) on the way from there; `looked` says what was looked at."""

    region: str
    findings: tuple[Finding, ...]
    looked: tuple[str, ...]


class Examination(Struct, frozen=True):
    """All that was found and looked at."""

    parts: tuple[Part, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found everywhere."""
        return tuple(finding for part in self.parts for finding in part.findings)

    @property
    def sound(self) -> bool:
        """True if no error was found."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


class Scopes(Struct, frozen=True):
    """What the settings say: of the whole, and of what each region has of it."""

    whole: Scope
    region_of_queue: Callable[[str], str | None]

    def of(self, region: str, *, first: bool) -> Scope:
        """What should be in this region; queues whose address tells no region belong to the first."""
        queues = [
            url for url in self.whole.queues if (self.region_of_queue(url) or (region if first else "")) == region
        ]
        return Scope(
            topics=tuple(arn for arn in self.whole.topics if arn.split(":")[3] == region),
            public_url=self.whole.public_url,
            queues=tuple(queues),
            configuration_set=self.whole.configuration_set,
            home=self.whole.home,
        )


class Examiner:
    """Examines regions; `region` gives who reads one."""

    def __init__(
        self,
        scopes: Scopes,
        region: Callable[[str], Region],
        door: Door,
        registered: Registered,
        *,
        now: Callable[[], datetime],
        tell: Tell,
    ) -> None:
        self._scopes = scopes
        self._region = region
        self._door = door
        self._registered = registered
        self._now = now
        self._tell = tell

    def examine(self, regions: Sequence[str], domains: Sequence[str], without: AwsError | None = None) -> Examination:
        """All of it. `domains` are the identities to look at (none: a sample); `without`: why no region is known."""
        attempts = Attempts()
        parts, seen, skew = [], list[Seen](), None
        for number, name in enumerate(regions):
            region = self._region(name)
            scope = self._scopes.of(name, first=number == 0)
            part, read = self._in_region(region, scope, domains, attempts)
            parts.append(part)
            seen += [read] if read else []
            skew = region.mailing.skew if skew is None else skew
            if attempts.hopeless:
                break
        missing = (unread(without, "SES"),) if without else ()
        here = self._here(seen, skew, whole=not domains)
        front = Part("", (*missing, *here.findings), here.looked)
        return Examination((*parts, front))

    def _in_region(
        self, region: Region, scope: Scope, domains: Sequence[str], attempts: Attempts
    ) -> tuple[Part, Seen | None]:
        before = attempts.findings
        self._tell(f"{region.name}: asking AWS who we are")
        seen = None
        with attempts.at(f"anything in {region.name}"):
            place = region.mailing.place()
            seen = Reader(region, scope, domains, attempts, self._tell).read(place, self._registered.paused())
        failed = tuple(finding for finding in attempts.findings if finding not in before)
        # Credentials that turn out to be of no use halfway make the rest look as if it were not there.
        told = tuple(judged(seen)) if seen and not any(one.code in FATAL for one in failed) else ()
        return Part(region.name, failed + told, looked_at(seen) if seen else ()), seen

    def _here(self, seen: Sequence[Seen], skew: float | None, *, whole: bool) -> Part:
        front = self._knocked()
        registered = self._registered.domains()
        findings = [
            *front_judged(front, self._now(), by_queue=bool(self._scopes.whole.queues)),
            *clocks_judged(skew, front.skew if front else None),
            *(self._compared(registered, seen) if whole else ()),
        ]
        return Part("", tuple(findings), looked_here(front, registered))

    def _knocked(self) -> Front | None:
        url = self._scopes.whole.public_url
        if url is None:
            return None
        self._tell(f"asking {url}")
        return self._door.knock(url)

    def _compared(self, registered: Mapping[str, bool], seen: Sequence[Seen]) -> Iterator[Finding]:
        """Only if every region's list of identities could be read."""
        lists = [one.listed for one in seen if one.listed is not None]
        if lists and len(lists) == len(seen):
            where: dict[str, tuple[str, ...]] = {}
            for one in seen:
                for name in (name.lower() for name, is_domain in (one.listed or {}).items() if is_domain):
                    where[name] = (*where.get(name, ()), one.place.region)
            yield from domains_judged(registered, where, [one.place.region for one in seen])
