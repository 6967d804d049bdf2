"""The account at SES: how much may be sent, and whether at all."""

from flask import Response

from webhook.domain.tokens import Scope
from webhook.web.api import replies
from webhook.web.api.answers import answer
from webhook.web.api.operation import route
from webhook.web.services import services

_TAG = "Account"


@route("GET", "/aws-ses/quota", tag=_TAG, scope=Scope.READ, answers={200: replies.Quota}, asks_aws=True)
def quota() -> Response:
    """What the account may send and has sent; `null` is unlimited."""
    return answer(services().platform.account.quota())


@route("GET", "/aws-ses/account", tag=_TAG, scope=Scope.READ, answers={200: replies.AccountState}, asks_aws=True)
def account() -> Response:
    """Whether the account may send, explained in words."""
    return answer(services().platform.account.account())
