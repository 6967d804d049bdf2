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

# The only answers that speak of what was sent. Whatever else goes wrong, the same message may succeed the next time, so
# it is our fault: to take that for the message's would acknowledge it without counting it.
_MESSAGES_FAULT = frozenset(
    {
        2,  # BadValue
        9,  # FailedToParse
        28,  # PathNotViable
        52,  # DollarPrefixedFieldName
        56,  # EmptyFieldName
        57,  # DottedFieldName
        121,  # DocumentValidationFailure
        257,  # TransactionTooLarge
        10334,  # BSONObjectTooLarge
        17419,  # the document grew too large by an update
        17420,  # … by a replacement
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
    """Turns what PyMongo raises into `Unavailable`, unless MongoDB refuses what was sent: that passes."""
    try:
        yield
    except errors.DocumentTooLarge:
        raise
    except errors.OperationFailure as error:
        if _speaks_of_the_message(error):
            raise
        told = (error.details or {}).get("errmsg") or str(error)
        raise Unavailable(f"MongoDB can't do it now: {told[:300]}") from error
    except errors.PyMongoError as error:
        raise Unavailable("MongoDB does not answer") from error


def _speaks_of_the_message(error: errors.OperationFailure) -> bool:
    codes = {refused.get("code") for refused in (error.details or {}).get("writeErrors") or ()} or {error.code}
    return codes <= _MESSAGES_FAULT and not error.has_error_label("TransientTransactionError")
