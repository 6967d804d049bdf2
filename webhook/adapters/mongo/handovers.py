"""A domain that changes hands: what its next owner must not see, and what he must not get rid of."""

from datetime import datetime

from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import Db, Document
from webhook.adapters.mongo.journal import judged_anew
from webhook.adapters.mongo.pauses import pause_of
from webhook.domain.pausing import Carried, check_resume
from webhook.domain.suppression import Scope
from webhook.errors import Refused


def remove(db: Db, found: Document, owner: str | None, session: ClientSession) -> None:
    """Before a domain is removed by `owner`; raises Refused if it is paused by others, or at SES."""
    if pause := pause_of(found):
        check_resume(pause, owner)
        if pause.carried in (Carried.TENANT, Carried.CONFIGURATION_SET):
            told = f"{found['domain']} is paused at SES too, and nobody would lift that once it is removed"
            raise Refused("domain_paused", told, "Resume it first; when SES was told, remove it")
    hand_over(db, found["domain"], session)


def hand_over(db: Db, domain: str, session: ClientSession) -> None:
    """Has the domain's entries on the suppression list count on, but not be shown to whoever owns it next."""
    entries = {"scope": Scope.DOMAIN.value, "domain": domain}
    db.suppressions.update_many(entries, {"$set": {"former": True}}, session=session)


def take_over(db: Db, domain: str, now: datetime, session: ClientSession) -> None:
    """Has what was heard of an added domain judged at once: removing and adding it does away with no verdict."""
    db.journal.insert_one(judged_anew(domain, now), session=session)
