"""What goes on beside the dispatcher's loop, so that no delivery waits for it, nor for what goes wrong with it."""

from collections.abc import Callable
from concurrent.futures import Executor, Future

from webhook.errors import Unavailable
from webhook.logs import get_logger

#: Seconds that it rests after it failed: at first, and at most.
REST, REST_MAX = 0.5, 15.0
#: … and after a defect of ours.
DEFECT = 60.0

log = get_logger(__name__)


class Beside:
    """One task, at most once at a time, on a thread of its own. `woken` is called if it did something, or failed."""

    def __init__(
        self, name: str, task: Callable[[], int], woken: Callable[[], object], monotonic: Callable[[], float]
    ) -> None:
        self._name = name
        self._task = task
        self._woken = woken
        self._monotonic = monotonic
        self._under_way: Future[int] | None = None
        self._rest = REST
        self._rests_until = float("-inf")

    def start(self, pool: Executor) -> None:
        """Begins it unless it is under way, or rests because it failed. What it raised is logged, and ends here."""
        if self._under_way is not None:
            if not self._under_way.done():
                return
            ended, self._under_way = self._under_way, None
            self._settle(ended.exception())
        if self._monotonic() >= self._rests_until:
            self._under_way = pool.submit(self._task)
            self._under_way.add_done_callback(self._ended)

    def _settle(self, error: BaseException | None) -> None:
        if error is None:
            self._rest = REST
            return
        if isinstance(error, Unavailable):
            log.warning("dispatcher_waits", task=self._name, why=error.detail, seconds=self._rest)
            rest, self._rest = self._rest, min(self._rest * 2, REST_MAX)
        else:
            log.error("dispatcher_failed", task=self._name, seconds=DEFECT, exc_info=error)
            rest = DEFECT
        self._rests_until = self._monotonic() + rest

    def _ended(self, ended: Future[int]) -> None:
        if ended.exception() is not None or ended.result():
            self._woken()
