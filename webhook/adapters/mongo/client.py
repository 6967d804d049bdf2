"""The connection to MongoDB, and what its errors mean to the callers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import MongoClient, errors
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from webhook.errors import Misconfigured, Unavailable

Document = dict[str, Any]
Db = Database[Document]

DATABASE = "ses_sentinel"
MAJORITY = WriteConcern(w="majority", j=True)
SNAPSHOT = ReadConcern("snapshot")

# Answers that say "not now" rather than "not this": whatever is sent, the same comes back until somebody acts.
_OUR_FAULT = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        13,  # Unauthorized
        18,  # AuthenticationFailed
        20,  # IllegalOperation: transactions on a standalone
        24,  # LockTimeout
        50,  # MaxTimeMSExpired
        64,  # WriteConcernFailed
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        112,  # WriteConflict
        189,  # PrimarySteppedDown
        246,  # SnapshotUnavailable
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        263,  # OperationNotSupportedInTransaction
        290,  # TransactionExceededLifetimeLimitSeconds
        8000,  # AtlasError
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13388,  # StaleConfig
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace
    }
)


def connect(uri: str, *, patience: float = 1.5) -> Db:
    """The database of the URI, or `ses_sentinel`. Nothing is sent until it is used.

    `patience` is how many seconds any one operation may take, looking for a server included.
    """
    try:
        client: MongoClient[Document] = MongoClient(
            uri,
            appname="ses-sentinel",
            serverSelectionTimeoutMS=int(patience * 1000),
            connectTimeoutMS=int(patience * 1000),
            timeoutMS=int(patience * 1000),
            heartbeatFrequencyMS=2000,
            tz_aware=True,
        )
    except (errors.PyMongoError, ValueError) as error:
        raise Misconfigured(f"MONGODB_URI can't be used: {error}") from error
    options: CodecOptions[Document] = CodecOptions(tz_aware=True)
    return client.get_default_database(DATABASE).with_options(options, write_concern=MAJORITY)


@contextmanager
def database_errors() -> Iterator[None]:
    """Turns what PyMongo raises while the database can't serve into `Unavailable`; everything else passes."""
    try:
        yield
    except errors.OperationFailure as error:
        if error.code in _OUR_FAULT or error.has_error_label("TransientTransactionError") or error.timeout:
            raise Unavailable(f"MongoDB can't do it now: {error.details and error.details.get('errmsg')}") from error
        raise
    except (errors.ConnectionFailure, errors.WaitQueueTimeoutError) as error:
        raise Unavailable("MongoDB does not answer") from error
    except errors.PyMongoError as error:
        if error.timeout or error.has_error_label("TransientTransactionError"):
            raise Unavailable("MongoDB does not answer in time") from error
        raise
