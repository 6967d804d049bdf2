"""The Flask application on a real MongoDB, with a fake SES and a DNS of its own."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from tests.fakes.ses import FakeSes
from tests.signer import TOPIC
from tests.telling import Teller
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.tokens import Tokens
from webhook.config import Settings
from webhook.tokens import TokenDesk
from webhook.web.app import create_app

TOKENS = (("ops", "s3cret-token"), ("dashboard", "an0ther-token"))
REGION = "eu-north-1"


@pytest.fixture
def ses(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSes]:
    """Amazon SES, in real time; as many calls a second as one likes."""
    monkeypatch.setattr("webhook.amazon.caller.API_RATE", 10_000.0)
    with FakeSes(Clock(), throttle=False, region=REGION) as fake:
        yield fake


@pytest.fixture
def settings(mongodb_uri: str, ses: FakeSes) -> Settings:
    return Settings(
        mongodb_uri=mongodb_uri,
        sns_topic_arns=(TOPIC,),
        api_tokens=TOKENS,
        log_level="error",
        aws_sdk_region=REGION,
        aws_sdk_access_key_id="AKIAEXAMPLE",
        aws_sdk_secret_access_key="secret",
        aws_endpoint_url=ses.origin,
        aws_ses_enable_sending=True,
        # Nobody answers there, and says so at once.
        dns_resolvers=("127.0.0.1:9",),
    )


@pytest.fixture
def teller(database: Database[dict[str, Any]], settings: Settings) -> Teller:
    return Teller(database, settings)


@pytest.fixture
def open_client() -> Iterator[Any]:
    """Makes a client of an application with these settings, without a token."""
    with ExitStack() as stack:

        def open_with(settings: Settings) -> FlaskClient:
            app = create_app(settings, stack)
            return app.test_client()

        yield open_with


@pytest.fixture
def stranger(open_client: Any, settings: Settings) -> FlaskClient:
    """Has no token."""
    client: FlaskClient = open_client(settings)
    return client


@pytest.fixture
def client(stranger: FlaskClient) -> FlaskClient:
    """Bears a good token."""
    stranger.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKENS[0][1]}"
    return stranger


@pytest.fixture
def bearing(database: Database[dict[str, Any]]) -> Callable[..., dict[str, str]]:
    """Makes a token, and gives the headers that bear it."""
    desk = TokenDesk(Tokens(database), Clock().now, os.urandom)

    def make(name: str, owner: str | None = None, scopes: str = "read,write,send") -> dict[str, str]:
        return {"Authorization": f"Bearer {desk.create(name, owner, scopes)[0]}"}

    return make
