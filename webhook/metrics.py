"""What Prometheus may ask of us. The web processes share their numbers through PROMETHEUS_MULTIPROC_DIR."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import accumulate
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

#: The names and values of the labels, to the value.
Samples = Mapping[tuple[tuple[str, str], ...], float]
#: Name to (help, value).
Gauges = dict[str, tuple[str, float | Samples]]

_COMMIT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
_SIZES = (1, 2, 5, 10, 25, 50, 100, 200, 400)

MESSAGES = Counter("sentinel_messages", "SNS messages by what became of them.", ["outcome"])
VERIFIED = Counter("sentinel_verified_messages", "SNS messages whose signature was checked.")
VERIFYING = Counter("sentinel_verify_seconds", "Seconds spent on checking them; by their number it gives the mean.")
COMMITTING = Histogram("sentinel_commit_seconds", "Time to make one batch durable.", buckets=_COMMIT)
BATCH_SIZE = Histogram("sentinel_commit_batch_size", "Messages in one batch.", buckets=_SIZES)
ISOLATED = Counter("sentinel_isolated_messages", "Messages that broke their batch and went to quarantine alone.")


def observe_commit(size: int) -> AbstractContextManager[object]:
    """Times one commit of that many messages."""
    BATCH_SIZE.observe(size)
    return COMMITTING.time()


class State(Collector):
    """Numbers that are read from the database when they are asked for."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        """One family for each gauge: name to (help, value); what ends in `_total` is a counter."""
        for name, (help_text, value) in self._gauges.items():
            if isinstance(value, Mapping):
                yield from _labelled(name, help_text, value)
            else:
                yield GaugeMetricFamily(name, help_text, value=value)


def _labelled(name: str, help_text: str, samples: Samples) -> Iterable[Metric]:
    if not samples:
        return
    family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    metric = family(name, help_text, labels=[label for label, _ in next(iter(samples))])
    for labels, value in samples.items():
        metric.add_metric([text for _, text in labels], value)
    yield metric


class Tally(Protocol):
    """Attempts at an endpoint of alerts; `took` counts each once, by the seconds of `within` and then slower."""

    @property
    def endpoint(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def taken(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def within(self) -> Sequence[float]: ...
    @property
    def took(self) -> Sequence[int]: ...


class Attempts(Collector):
    """Attempts to deliver alerts, by endpoint: as many series as there are endpoints, and none of one that is gone."""

    def __init__(self, tallies: Iterable[Tally]) -> None:
        self._tallies = list(tallies)

    def collect(self) -> Iterable[Metric]:
        """A counter of outcomes and a histogram of durations."""
        about = ("endpoint", "kind")
        outcomes = CounterMetricFamily(
            "sentinel_delivery_attempts", "Attempts to deliver alerts.", labels=(*about, "outcome")
        )
        durations = HistogramMetricFamily(
            "sentinel_delivery_seconds", "How long attempts to deliver alerts took.", labels=about
        )
        for tally in self._tallies:
            labels = (tally.endpoint, tally.kind)
            outcomes.add_metric((*labels, "taken"), tally.taken)
            outcomes.add_metric((*labels, "failed"), tally.failed)
            bounds = [*map(str, tally.within), "+Inf"]
            buckets = list(zip(bounds, map(float, accumulate(tally.took)), strict=True))
            durations.add_metric(labels, buckets, tally.seconds)
        return outcomes, durations


def exposition(gauges: Gauges, tallies: Iterable[Tally] = (), *, shared: bool) -> bytes:
    """The text format; `shared` gathers all processes that write to PROMETHEUS_MULTIPROC_DIR."""
    state = CollectorRegistry()
    state.register(State(gauges))
    state.register(Attempts(tallies))
    if shared:
        multiprocess.MultiProcessCollector(state)  # type: ignore[no-untyped-call]
        return generate_latest(state)
    return generate_latest() + generate_latest(state)
