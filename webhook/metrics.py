"""What Prometheus may ask of us. The web processes share their numbers through PROMETHEUS_MULTIPROC_DIR."""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

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
    """Gauges that are read from the database when they are asked for."""

    def __init__(self, gauges: dict[str, tuple[str, float]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One family for each gauge: name to (help, value)."""
        for name, (help_text, value) in self._gauges.items():
            yield GaugeMetricFamily(name, help_text, value=value)


def exposition(gauges: dict[str, tuple[str, float]], *, shared: bool) -> bytes:
    """The text format; `shared` gathers all processes that write to PROMETHEUS_MULTIPROC_DIR."""
    state = CollectorRegistry()
    state.register(State(gauges))
    if shared:
        multiprocess.MultiProcessCollector(state)  # type: ignore[no-untyped-call]
        return generate_latest(state)
    return generate_latest() + generate_latest(state)
