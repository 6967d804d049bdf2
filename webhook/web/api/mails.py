"""Mails: what became of one."""

from flask import Response

from webhook.domain.tokens import Scope
from webhook.web.api import replies
from webhook.web.api.answers import answer
from webhook.web.api.operation import route
from webhook.web.auth import bearer
from webhook.web.services import services


@route("GET", "/mails/<mail_id>", tag="Mails", scope=Scope.READ, answers={200: replies.Story})
def mail(mail_id: str) -> Response:
    """The whole story of one mail, in the order it happened."""
    return answer(services().library.events.of_mail(mail_id, bearer().owner))
