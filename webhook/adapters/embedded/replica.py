"""Make the lone mongod the primary of a replica set of one, because transactions need a replica set."""

from threading import Event
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from webhook.adapters.embedded.claims import MINUTE, PAUSE
from webhook.adapters.embedded.mongod import Mongod

_NOT_YET_INITIALIZED = 94
# Nobody else can vote, so nothing is gained by waiting for a rival.
_ELECTION = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 1000}


def make_primary(mongod: Mongod) -> bool:
    """Wait until it accepts writes; False when it ended first, or did not within two minutes."""
    with MongoClient[dict[str, Any]](
        "127.0.0.1", mongod.port, directConnection=True, serverSelectionTimeoutMS=1000, heartbeatFrequencyMS=500
    ) as client:
        for _ in range(2 * MINUTE):
            if mongod.exit_status is not None:
                return False
            if mongod.listens() and _is_primary(client.admin, f"127.0.0.1:{mongod.port}"):
                return True
            Event().wait(PAUSE)
    return False


def _is_primary(admin: Database[dict[str, Any]], host: str) -> bool:
    try:
        hello = admin.command("hello")
        if hello.get("isWritablePrimary") and hello.get("me") == host:
            return True
        _configure(admin, host)
    except PyMongoError:
        pass  # still starting: whatever is wrong with it shows in its log and its exit
    return False


def _configure(admin: Database[dict[str, Any]], host: str) -> None:
    """Found the set, or tell it the member's new address when the port changed."""
    try:
        config = admin.command("replSetGetConfig")["config"]
    except OperationFailure as exc:
        if exc.code != _NOT_YET_INITIALIZED:
            raise
        fresh = {"_id": "rs0", "members": [{"_id": 0, "host": host}], "settings": _ELECTION}
        admin.command("replSetInitiate", fresh)
        return
    if config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        config["version"] += 1
        admin.command("replSetReconfig", config, force=True)
