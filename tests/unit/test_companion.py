"""The worker and what works beside it end together, whichever ends first."""

import signal
import threading
from collections.abc import Iterator

import pytest

from webhook.adapters.clock import Clock
from webhook.ports import Posting
from webhook.worker import Died, Worker


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The worker takes the signals for itself."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


class EmptyJournal:
    """Has nothing to post."""

    def post(self, *_: object) -> Posting:
        return Posting(0, 0, ())

    def slide(self) -> Posting:
        return Posting(0, 0, ())

    def set_aside(self) -> str:
        return ""


class Companion:
    """Works until it is stopped, or for as long as it can."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.began, self.stopped, self.ended = threading.Event(), threading.Event(), threading.Event()

    def run(self) -> None:
        self.began.set()
        if self.error:
            raise self.error
        self.stopped.wait(30)
        self.ended.set()

    def stop(self) -> None:
        self.stopped.set()


def test_a_worker_that_is_told_to_stop_waits_for_its_companion() -> None:
    companion = Companion()
    worker = Worker(EmptyJournal(), Clock(), companions=(companion,))
    threading.Thread(target=lambda: companion.began.wait(30) and worker.stop()).start()
    worker.run()
    assert companion.ended.is_set()


def test_a_worker_whose_companion_dies_ends_with_an_error() -> None:
    defect = ValueError("a defect")
    with pytest.raises(Died) as died:
        Worker(EmptyJournal(), Clock(), companions=(Companion(), Companion(defect))).run()
    assert died.value.__cause__ is defect
