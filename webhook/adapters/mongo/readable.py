"""Stored documents that may not be as ours are: another version wrote them, or another hand."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

from webhook.adapters.mongo.client import Document
from webhook.logs import get_logger

#: What reading such a document raises.
AMISS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

_Read = TypeVar("_Read")
log = get_logger(__name__)


def read_each(documents: Iterable[Document], read: Callable[[Document], _Read]) -> Iterator[_Read]:
    """What `read` makes of each document; one that can't be read is passed by, and logged once in this process."""
    for document in documents:
        try:
            made = read(document)
        except AMISS as error:
            _tell(str(document.get("_id")), f"{type(error).__name__}: {error}"[:300])
        else:
            yield made


@lru_cache(maxsize=1000)
def _tell(identity: str, why: str) -> None:
    """Remembered, since the same document is read every second."""
    log.error("document_unreadable", document=identity, why=why)
