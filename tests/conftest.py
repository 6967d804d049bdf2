"""What all tests share: a scrubbed environment, no way to the internet, and a real MongoDB with a database per test."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
import pytest_socket
import structlog
from pymongo import MongoClient
from pymongo.database import Database

from webhook.adapters.embedded import running
from webhook.adapters.mongo.indexes import INDEXES, PLAIN
from webhook.config import KNOWN_NAMES

# Before any test or fixture: a developer's own settings, AWS credentials included, are nobody's business here.
for _name in [name for name in os.environ if name in KNOWN_NAMES or name.startswith("AWS_")]:
    del os.environ[_name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

_HERE = Path(__file__).parent
#: Bytes that a test run's database may take.
MEMORY_NEEDED = 3 * 2**30
#: Unit tests first, which meet no threads of a database client then. Several processes take the slow ones next, or one
#: of them would be left with those at the end; one alone takes them last, so that a slip shows within seconds.
_ORDER = ("unit", "properties", "contract", "web", "integration", "acceptance")
if "PYTEST_XDIST_WORKER" in os.environ:
    _ORDER = ("unit", "acceptance", "integration", "web", "contract", "properties")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts them in order."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    return _ORDER.index(kind) if (kind := _kind(item)) in _ORDER else len(_ORDER)


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


@pytest.fixture(autouse=True)
def _unconfigured_logs() -> Iterator[None]:
    """What a test makes of the logs is its own affair."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def mongod_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real replica set of one, for the whole run. Its database is shared: see `mongodb_uri`."""
    with _quick_folder(tmp_path_factory) as folder, running(folder) as uri:
        yield uri


@contextmanager
def _quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where there is plenty: hundreds of tests make all collections, and a disk flushes each of them."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    if memory.is_dir() and shutil.disk_usage(memory).free >= MEMORY_NEEDED:
        with TemporaryDirectory(prefix="ses-sentinel-tests-", dir=memory) as folder:
            yield Path(folder)
    else:
        yield tmp_path_factory.mktemp("mongodb")


@pytest.fixture(scope="session")
def mongo_client(mongod_uri: str) -> Iterator[MongoClient[dict[str, Any]]]:
    """One client for the whole run."""
    with MongoClient[dict[str, Any]](mongod_uri, tz_aware=True) as client:
        # Files of a dropped database stay open as long as a snapshot might need them: too many, with hundreds of tests.
        client.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=5)
        # Tests live in March: what they write would be over by now.
        client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
        yield client


@pytest.fixture(scope="session")
def emptied() -> list[str]:
    """Databases that tests left as they found them but for documents: making all collections anew takes its time."""
    return []


@pytest.fixture
def mongodb_uri(mongod_uri: str, mongo_client: MongoClient[dict[str, Any]], emptied: list[str]) -> Iterator[str]:
    """MONGODB_URI with a database of this test's own, without a document in it; collections may be there."""
    name = emptied.pop() if emptied else f"test_{uuid4().hex}"
    yield mongod_uri.replace("/ses_sentinel?", f"/{name}?")
    if _has_our_indexes(mongo_client[name]):
        for collection in mongo_client[name].list_collection_names():
            mongo_client[name][collection].delete_many({})
        emptied.append(name)
    else:
        mongo_client.drop_database(name)


def _has_our_indexes(db: Database[dict[str, Any]]) -> bool:
    """True if it has the product's collections with the product's indexes, and no others."""
    expected = {name: {index.document["name"] for index in models} for name, models in INDEXES.items()}
    expected |= {name: set() for name in PLAIN}
    return {name: db[name].index_information().keys() - {"_id_"} for name in db.list_collection_names()} == expected


@pytest.fixture
def database(mongodb_uri: str, mongo_client: MongoClient[dict[str, Any]]) -> Database[dict[str, Any]]:
    """The database that `mongodb_uri` names."""
    return mongo_client[mongodb_uri.rpartition("/")[2].partition("?")[0]]
