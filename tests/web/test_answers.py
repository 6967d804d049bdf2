"""What the doors answer when a part of the service fails, each part played by a stand-in that fails on purpose."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.builders import mail, send
from tests.signer import NOW, CertificateHost, Clock, body, confirmation, notification, rsa_key, signed, verifier
from webhook.domain.effects import Effects
from webhook.domain.envelope import Envelope
from webhook.errors import Rejected, Unavailable
from webhook.web import sns
from webhook.web.door import Door
from webhook.web.receiver import Receiver, Request
from webhook.web.request_log import RequestLog
from webhook.web.services import WebServices


class Remembers:
    """Knows at once how long mails are remembered."""

    known = True

    def __call__(self) -> timedelta:
        return timedelta(days=30)


class Confirms:
    """Writes down what it was asked to confirm."""

    def __init__(self) -> None:
        self.asked: list[Envelope] = []

    def confirm(self, envelope: Envelope) -> str:
        self.asked.append(envelope)
        return "arn:confirmed"


class Fails:
    """A commit that is never made."""

    def submit(self, _effects: Effects, done: Callable[[Any], None]) -> None:
        done(Unavailable("MongoDB does not answer", retry_after=7))


class Full:
    """A commit that takes no more."""

    def submit(self, _effects: Effects, _done: Callable[[Any], None]) -> None:
        raise Unavailable("too many are waiting")


class Silent:
    """A commit of which nothing is heard again."""

    def submit(self, _effects: Effects, _done: Callable[[Any], None]) -> None:
        return


def receiver_with(confirmer: Confirms) -> Receiver:
    return Receiver(verifier(CertificateHost()), confirmer, lambda: NOW, Remembers())


def app_with(commit: object) -> Flask:
    app = Flask(__name__)
    log = RequestLog(lambda: NOW, "error", "json")
    app.extensions["sentinel"] = WebServices(
        settings=None,  # type: ignore[arg-type]
        receiver=receiver_with(Confirms()),
        commit=commit,  # type: ignore[arg-type]
        library=None,  # type: ignore[arg-type]
        clock=Clock(),  # type: ignore[arg-type]
        platform=None,
        wrong_tokens=None,  # type: ignore[arg-type]
        requests=log,
    )
    app.register_blueprint(sns.blueprint)
    return app


def genuine() -> bytes:
    return body(signed(notification(json.dumps(send(mail("m"))))))


def through_the_door(app: Flask, content: bytes) -> tuple[int, dict[bytes, bytes]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send_(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/webhooks/sns", "headers": []}
    asyncio.run(Door(app)(scope, receive, send_))
    return sent[0]["status"], dict(sent[0]["headers"])


@pytest.mark.parametrize("commit", [Fails(), Full()], ids=["fails", "full"])
def test_what_was_not_committed_is_never_acknowledged(commit: object) -> None:
    app = app_with(commit)
    assert app.test_client().post("/webhooks/sns", data=genuine()).status_code == 503
    status, headers = through_the_door(app, genuine())
    assert status == 503
    assert int(headers[b"retry-after"]) > 0


def test_a_commit_that_is_never_heard_of_again_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sns, "LONGEST_WAIT", 0.01)
    assert app_with(Silent()).test_client().post("/webhooks/sns", data=genuine()).status_code == 503


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(signed(confirmation()) | {"Token": "another"}, id="tampered"),
        pytest.param(signed(confirmation(), key=rsa_key("stranger")), id="another's signature"),
        pytest.param(signed(confirmation(TopicArn="arn:aws:sns:eu-north-1:999999999999:x")), id="another's topic"),
    ],
)
def test_a_forged_confirmation_is_never_carried_out(fields: dict[str, Any]) -> None:
    confirmer = Confirms()
    receiver = receiver_with(confirmer)
    request = Request("", 0.0)
    envelope = receiver.read(request, body(fields), None, None)
    with pytest.raises(Rejected):
        receiver.understand(request, envelope)
    assert confirmer.asked == []


def test_a_genuine_confirmation_is_carried_out_and_noted() -> None:
    confirmer = Confirms()
    receiver = receiver_with(confirmer)
    request = Request("", 0.0)
    envelope = receiver.read(request, body(signed(confirmation())), None, None)
    effects = receiver.understand(request, envelope)
    assert confirmer.asked == [envelope]
    assert effects.subscription is not None
    assert (effects.subscription.state, effects.subscription.arn) == ("confirmed", "arn:confirmed")


def test_a_body_that_breaks_off_is_not_answered_as_if_it_were_bad() -> None:
    async def ask() -> int:
        sent: list[dict[str, Any]] = []
        messages = iter([{"type": "http.request", "body": b'{"Ty', "more_body": True}, {"type": "http.disconnect"}])

        async def receive() -> dict[str, Any]:
            return next(messages)

        async def send_(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/webhooks/sns", "headers": []}
        await Door(app_with(Fails()))(scope, receive, send_)
        status: int = sent[0]["status"]
        return status

    assert asyncio.run(ask()) == 503
