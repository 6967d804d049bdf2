"""Lists page by page, as SES gives them."""

from typing import Any, TypeVar

from tests.fakes.ses.errors import Refusal
from tests.fakes.ses.script import Failure

T = TypeVar("T")
MOST = 1000


def page(rows: list[T], asked: dict[str, Any]) -> tuple[list[T], dict[str, str]]:
    """The rows that are asked for (`PageSize`, `NextToken`), and the token that leads on, if there are more."""
    size, token = min(asked.get("PageSize") or MOST, MOST), asked.get("NextToken") or "0"
    if not token.isdecimal():
        raise Refusal(Failure("InvalidNextTokenException", 400, "The token is not one of this list."))
    start = int(token)
    more = {"NextToken": str(start + size)} if len(rows) > start + size else {}
    return rows[start : start + size], more
