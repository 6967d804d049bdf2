"""A stand-in for Amazon SES: its version 2 REST API on this machine, on a clock of its own.

    with FakeSes() as fake:
        api = SesApi(region="eu-north-1", access_key_id="AKIA", secret_access_key="s", endpoint_url=fake.origin, …)
        api.create_identity("example.com")      # PENDING
        fake.dns_appears("example.com")         # SUCCESS
        fake.fail_next("GetEmailIdentity", ACCESS_DENIED)
        fake.fates["bob@example.org"] = "bounce"    # what becomes of mail to him
        fake.vdm["example.com", "SEND", date(2026, 3, 9)] = 120

Nothing happens by itself: time passes by `fake.clock.advance(seconds)` or `fake.clock.sleep(seconds)` only.
"""

from tests.fakes.ses.clock import SimulatedClock
from tests.fakes.ses.fake import FakeSes
from tests.fakes.ses.fates import Fate
from tests.fakes.ses.script import (
    ACCESS_DENIED,
    BAD_SIGNATURE,
    EXPIRED,
    INTERNAL,
    THROTTLED,
    UNAVAILABLE,
    Failure,
    Held,
)

__all__ = [
    "ACCESS_DENIED",
    "BAD_SIGNATURE",
    "EXPIRED",
    "INTERNAL",
    "THROTTLED",
    "UNAVAILABLE",
    "Failure",
    "FakeSes",
    "Fate",
    "Held",
    "SimulatedClock",
]
