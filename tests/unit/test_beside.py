"""A task beside the loop: one at a time, and nothing that goes wrong is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from structlog.testing import capture_logs

from webhook.dispatching.beside import DEFECT, REST, REST_MAX, Beside
from webhook.errors import Unavailable


class Watch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


class Task:
    """Waits until it is let go, then gives what it is to give or raises it."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = Event()
        self.outcome: int | Exception = 0

    def __call__(self) -> int:
        self.begun += 1
        self.go.wait(30)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def task() -> Task:
    return Task()


@pytest.fixture
def watch() -> Watch:
    return Watch()


def beside_of(task: Task, watch: Watch, woken: Event | None = None) -> Beside:
    return Beside("a task", task, (woken or Event()).set, watch.monotonic)


@pytest.fixture
def finished(task: Task) -> Iterator[Callable[[Beside], None]]:
    """Begins it, and waits until it has ended."""

    def run(beside: Beside) -> None:
        with ThreadPoolExecutor(1) as pool:
            beside.start(pool)
            task.go.set()

    yield run
    task.go.set()


def test_it_is_not_begun_again_while_it_is_under_way(task: Task, watch: Watch) -> None:
    beside = beside_of(task, watch)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            beside.start(pool)
        task.go.set()
    with ThreadPoolExecutor(2) as pool:
        beside.start(pool)
    assert task.begun == 2


@pytest.mark.parametrize(
    ("outcome", "wakes"),
    [
        pytest.param(0, False, id="nothing to do"),
        pytest.param(3, True, id="it did something"),
        pytest.param(Unavailable("MongoDB does not answer"), True, id="it broke"),
        pytest.param(KeyError("domain"), True, id="a defect"),
    ],
)
def test_the_loop_is_woken_if_there_is_a_reason(
    task: Task, watch: Watch, finished: Callable[[Beside], None], outcome: int | Exception, wakes: bool
) -> None:
    woken = Event()
    task.outcome = outcome
    finished(beside_of(task, watch, woken))
    assert woken.is_set() is wakes


def test_what_it_raised_ends_here_and_it_rests_longer_each_time(
    task: Task, watch: Watch, finished: Callable[[Beside], None]
) -> None:
    beside = beside_of(task, watch)
    task.outcome = Unavailable("MongoDB does not answer")
    finished(beside)
    rests = []
    for _ in range(8):
        begun = task.begun
        with capture_logs() as logs:
            finished(beside)
        [told] = logs
        assert (told["event"], told["task"], told["why"]) == ("dispatcher_waits", "a task", "MongoDB does not answer")
        rests.append(told["seconds"])
        watch.at += told["seconds"] - 0.01
        finished(beside)
        assert task.begun == begun
        watch.at += 0.02
        finished(beside)
        assert task.begun == begun + 1
    assert (rests[0], rests[1], rests[-1]) == (REST, 2 * REST, REST_MAX)
    task.outcome = 0
    watch.at += 2 * REST_MAX
    finished(beside)  # sees the last failure, and rests
    watch.at += 2 * REST_MAX
    for _ in range(2):
        finished(beside)
    task.outcome = Unavailable("again")
    finished(beside)
    with capture_logs() as logs:
        finished(beside)
    assert logs[0]["seconds"] == REST


def test_a_defect_is_told_with_its_traceback_and_rests_for_a_minute(
    task: Task, watch: Watch, finished: Callable[[Beside], None]
) -> None:
    beside = beside_of(task, watch)
    task.outcome = KeyError("domain")
    finished(beside)
    with capture_logs() as logs:
        finished(beside)
    assert [(told["event"], told["log_level"], told["exc_info"]) for told in logs] == [
        ("dispatcher_failed", "error", task.outcome)
    ]
    watch.at += DEFECT - 1
    finished(beside)
    assert task.begun == 1
    watch.at += 1
    finished(beside)
    assert task.begun == 2
