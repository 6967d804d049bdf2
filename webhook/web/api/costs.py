"""Costs: what a month's mail costs, by domain and by owner."""

from typing import Annotated, Unpack

from flask import Response
from msgspec import Meta

from webhook.costs import month_of
from webhook.domain.tokens import Scope
from webhook.web.api import cost_replies
from webhook.web.api.answers import answer
from webhook.web.api.operation import route
from webhook.web.auth import bearer
from webhook.web.parameters import PAGING, Paging, Parameter
from webhook.web.services import services

_ABOUT = Meta(
    description="The month, by the UTC day of sending; this month without it.",
    examples=["2026-03"],
    pattern="^[1-9][0-9]{3}-(0[1-9]|1[0-2])$",
)
MONTH = Parameter("month", month_of, Annotated[str, _ABOUT])


@route("GET", "/costs", tag="Costs", scope=Scope.READ, query=(MONTH, *PAGING), answers={200: cost_replies.Costs})
def costs(month: str = "", **paging: Unpack[Paging]) -> Response:
    """What a month's mail costs, in US dollars, the dearest domain first.

    A token of an owner is told of his own domains. Data of attachments is not known, and not in it.
    """
    return answer(services().platform.costs.page(month, owner=bearer().owner, **paging))
