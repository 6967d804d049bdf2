"""A flood of broken bodies: each gets its 4xx, none a 500, and the server is as it was."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.acceptance.mutations import mutations
from tests.acceptance.posting import envelope, lines, post, post_all, trust
from tests.acceptance.serving import serving
from tests.builders import bounce, mail

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for what is left of it in /proc")

ENVELOPES = 100_000
PAYLOADS = 3_000


def test_a_hundred_thousand_broken_bodies_make_no_500_and_no_traceback(tmp_path: Path) -> None:
    with serving(tmp_path, LOG_LEVEL="error", **trust(tmp_path / "certificates")) as (server, _):
        genuine = envelope(bounce(_mail_of_now("genuine")))
        statuses = post_all(server.port, mutations(genuine, ENVELOPES))
        # 503: the address of the certificate was damaged so that it is one that can't be reached.
        assert set(statuses) <= {200, 400, 403, 413, 503}
        assert statuses.total() == ENVELOPES
        assert statuses[400] > ENVELOPES / 4
        assert statuses[403] > ENVELOPES / 20
        assert statuses[503] < ENVELOPES / 20
        assert post(server.port, genuine)[0] == 200
        server.process.terminate()
        told, _ = server.process.communicate()
    assert "Traceback" not in told
    assert list(lines(told.splitlines())) == []


def test_payloads_that_are_signed_but_broken_are_kept(tmp_path: Path) -> None:
    with serving(tmp_path, LOG_LEVEL="error", **trust(tmp_path / "certificates")) as (server, _):
        genuine = envelope(bounce(_mail_of_now("genuine")))
        payload = b'{"eventType": "Bounce", "mail": {}, "bounce": {"bouncedRecipients": [{"emailAddress": "a@b.c"}]}}'
        broken = (text.decode("utf-8", "replace") for text in mutations(payload, PAYLOADS, seed=2))
        statuses = post_all(server.port, (envelope(text) for text in broken if len(text) < 100_000))
        assert set(statuses) == {200}
        assert post(server.port, genuine)[2] == {"status": "accepted"}


def _mail_of_now(mail_id: str) -> dict[str, object]:
    return mail(mail_id, timestamp=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))
