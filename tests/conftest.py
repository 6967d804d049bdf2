"""What all tests share: a scrubbed environment, no way to the internet, and a real MongoDB with a database per test."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_socket
from pymongo import MongoClient
from pymongo.database import Database

from webhook.adapters.embedded import running
from webhook.config import KNOWN_NAMES

# Before any test or fixture: a developer's own settings, AWS credentials included, are nobody's business here.
for _name in [name for name in os.environ if name in KNOWN_NAMES or name.startswith("AWS_")]:
    del os.environ[_name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

_HERE = Path(__file__).parent
_ORDER = ("unit", "properties", "contract", "web", "integration", "acceptance")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick ones first: a slip shows within seconds, and unit tests meet no threads of a database client."""
    items.sort(key=lambda item: _ORDER.index(kind) if (kind := _kind(item)) in _ORDER else len(_ORDER))


def _kind(item: pytest.Item) -> str:
    return item.path.relative_to(_HERE).parts[0]


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit tests open no sockets (but for the mark enable_socket), all others only towards this machine."""
    if _kind(request.node) == "unit" and not request.node.get_closest_marker("enable_socket"):
        pytest_socket.disable_socket(allow_unix_socket=True)
    else:
        pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()


@pytest.fixture(scope="session")
def mongod_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real replica set of one, for the whole run. Its database is shared: see `mongodb_uri`."""
    with running(tmp_path_factory.mktemp("mongodb")) as uri:
        yield uri


@pytest.fixture(scope="session")
def mongo_client(mongod_uri: str) -> Iterator[MongoClient[dict[str, Any]]]:
    """One client for the whole run."""
    with MongoClient[dict[str, Any]](mongod_uri, tz_aware=True) as client:
        yield client


@pytest.fixture
def mongodb_uri(mongod_uri: str, mongo_client: MongoClient[dict[str, Any]]) -> Iterator[str]:
    """MONGODB_URI with a database of this test's own, dropped afterwards."""
    name = f"test_{uuid4().hex}"
    yield mongod_uri.replace("/ses_sentinel?", f"/{name}?")
    mongo_client.drop_database(name)


@pytest.fixture
def database(mongodb_uri: str, mongo_client: MongoClient[dict[str, Any]]) -> Database[dict[str, Any]]:
    """The database that `mongodb_uri` names."""
    return mongo_client[mongodb_uri.rpartition("/")[2].partition("?")[0]]
