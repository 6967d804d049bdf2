"""What one run of the load generator found."""

from math import ceil
from statistics import median

import msgspec


class Measurement(msgspec.Struct, frozen=True):
    """One run: `accepted` answers of 200 within `seconds`; latencies in milliseconds.

    `acknowledged` also holds the 200s that came while the last requests were drained; `refused` counts every other
    outcome by its status or fault; `generator` is the share of one core that the load generator itself used.
    """

    accepted: int
    acknowledged: int
    refused: dict[str, int]
    seconds: float
    p50: float
    p99: float
    worst: float
    generator: float

    @property
    def rate(self) -> float:
        """Accepted messages per second."""
        return self.accepted / self.seconds if self.seconds else 0.0


class Summary(msgspec.Struct, frozen=True):
    """Several rounds of the same measurement: the median of each figure, and the spread of the rate."""

    rate: float
    slowest: float
    fastest: float
    p50: float
    p99: float
    generator: float
    refused: int
    rounds: int


def summarise(rounds: list[Measurement]) -> Summary:
    """Medians over at least one round."""
    rates = [each.rate for each in rounds]
    return Summary(
        rate=median(rates),
        slowest=min(rates),
        fastest=max(rates),
        p50=median(each.p50 for each in rounds),
        p99=median(each.p99 for each in rounds),
        generator=median(each.generator for each in rounds),
        refused=sum(sum(each.refused.values()) for each in rounds),
        rounds=len(rounds),
    )


def quantile(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` of the ordered values do not exceed; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
