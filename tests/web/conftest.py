"""The Flask application on a real MongoDB."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from tests.signer import TOPIC
from tests.telling import Teller
from webhook.config import Settings
from webhook.web.app import create_app

TOKENS = (("ops", "s3cret-token"), ("dashboard", "an0ther-token"))


@pytest.fixture
def settings(mongodb_uri: str) -> Settings:
    return Settings(mongodb_uri=mongodb_uri, sns_topic_arns=(TOPIC,), api_tokens=TOKENS, log_level="error")


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
