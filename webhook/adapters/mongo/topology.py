"""Is the MongoDB that was named able to do what is asked of it?"""

from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError

from webhook.errors import Misconfigured

_CONVERT = (
    "mongosh --eval 'db.adminCommand({shutdown: 1})'; mongod --replSet rs0 --dbpath DBPATH --fork --logpath LOGPATH"
    " && mongosh --eval 'rs.initiate()'"
)


def check_replica_set(uri: str, patience: float = 10.0) -> None:
    """Raise Misconfigured unless `uri` leads to a replica set or a sharded cluster, which transactions need.

    A server that cannot be reached within `patience` seconds is Misconfigured too: at start nothing else explains it.
    """
    milliseconds = int(patience * 1000)
    try:
        with MongoClient[dict[str, Any]](
            uri, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds
        ) as client:
            hello = client.admin.command("hello")
    except (InvalidURI, ConfigurationError, ValueError) as exc:
        raise Misconfigured("MONGODB_URI cannot be used: it is not a valid MongoDB connection string") from exc
    except OperationFailure as exc:
        raise Misconfigured(
            f"MONGODB_URI: the server refuses us ({exc.details and exc.details.get('codeName')})"
        ) from exc
    except PyMongoError as exc:
        raise Misconfigured("MONGODB_URI: no server can be reached there within ten seconds") from exc
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise Misconfigured(f"MONGODB_URI names a standalone server, which has no transactions. Convert it: {_CONVERT}")
