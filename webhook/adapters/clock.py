"""The only place that asks what time it is, or rolls dice."""

import random
import secrets
import time
from datetime import UTC, datetime


class Clock:
    """The system's clock."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait that long."""
        time.sleep(seconds)

    def entropy(self, size: int) -> bytes:
        """So many bytes that nobody can guess."""
        return secrets.token_bytes(size)

    def jitter(self) -> float:
        """A random share in [0, 1), so that those who failed together do not come back together."""
        return random.random()  # noqa: S311 - spreads retries, protects nothing
