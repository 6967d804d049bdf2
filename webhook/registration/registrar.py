"""The registrar.

What SES is to be told is written down before it is told, and struck off with what it answered. Whoever dies in between
leaves an intent that is taken up again, and every step finds out what is done already.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from webhook.domain import registration
from webhook.domain.ownership import Admission, Document, part
from webhook.domain.registration import Check, Intent, NewDomain
from webhook.errors import Invalid
from webhook.logs import get_logger
from webhook.registration.carrier import Carrier, Rules
from webhook.registration.roles import Identities, Names, Registrations

#: Seconds that whoever adds, changes or removes a domain waits for SES; what is left then the worker does.
PATIENCE = timedelta(seconds=5)
#: What `change` changes.
CHANGES = ("maxAccounts", "owner", "mailFromDomain", "dkimSigning")

log = get_logger(__name__)


class Registrar:
    """Adds, changes and removes domains. As many may work at once as you like: an intent is carried out by one."""

    def __init__(
        self,
        store: Registrations,
        ses: Identities,
        names: Names,
        rules: Rules,
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        self._store = store
        self._names = names
        self._rules = rules
        self._now = now
        self._carrier = Carrier(store, ses, rules, now=now, jitter=jitter)

    def add(self, new: NewDomain, who: str, owner: str | None) -> tuple[Document, bool]:
        """Adds a domain and registers it with SES: its document, and whether it was added now.

        Adding it again gives what there is and changes nothing, whatever else is given: that is for `change`. `owner`
        is whose domains the one who asks may touch; what he adds is that owner's. If SES can't be asked now, `awsSes`
        has the `error` and when it is tried again (`retryAt`).

        Raises:
            Invalid: not a domain, or a wrong field.
            Refused: `domain_taken`.
            Unavailable: the database does not answer.
        """
        name = self._names.parse(new.domain)
        admission = Admission(
            name=name,
            max_accounts=None if new.max_accounts is None else registration.checked_max_accounts(new.max_accounts),
            owner=_one_owner(registration.checked_owner(new.owner), owner),
            mail_from_domain=self._mail_from(new.mail_from_domain, name.name),
            who=who,
            asker=owner,
            register=self._rules.auto_register,
        )
        document, created, task = self._store.admit(admission)
        if created:
            log.info("[EMAIL_DOMAIN] added", domain=name.name, owner=document.get("owner"))
        if task is not None:
            document = self._carrier.carry_out(task, self._now() + PATIENCE) or document
        return document, created

    def hurry(self, domain: str, who: str, owner: str | None) -> None:
        """Has SES asked now for a domain that waits to be registered; nothing for any other."""
        found = self._store.find(domain)
        if found and part(found, "awsSes").get("intent") == Intent.REGISTER and not part(found, "awsSes")["registered"]:
            self.add(NewDomain(domain), who, owner)

    def change(
        self, domain: str, changes: Mapping[str, Any], who: str, owner: str | None, check: Check | None = None
    ) -> Document:
        """Changes `maxAccounts`, `owner`, `mailFromDomain` (None: SES's own) or `dkimSigning`; gives the document.

        `check` is called with the stored document in the transaction that changes it; what it raises leaves all as it
        was. Raises Invalid, NotFound, Refused (`domain_taken`) and Unavailable. What SES is to be told and can't be now
        is told later: see `awsSes.error`.
        """
        checked = self._checked(domain, changes, owner)
        document, task = self._store.change(domain, checked, who=who, owner=owner, check=check, parse=self._names.parse)
        log.info("[EMAIL_DOMAIN] changed", domain=document["domain"], fields=sorted(checked))
        if task is not None:
            document = self._carrier.carry_out(task, self._now() + PATIENCE) or document
        return document

    def remove(self, domain: str, keep_identity: bool, who: str, owner: str | None, check: Check | None = None) -> bool:
        """Removes a domain, and its identity and tenant at SES unless `keep_identity`.

        True: it is gone. False: SES could not be told now; it will be, and the domain is gone then. Meanwhile nothing
        can be sent through it. Raises NotFound, Unavailable, and what `check` raises.
        """
        gone, task = self._store.remove(domain, keep_identity=keep_identity, who=who, owner=owner, check=check)
        log.info("[EMAIL_DOMAIN] removed", domain=domain, identity_kept=keep_identity, gone=gone)
        if task is None:
            return gone
        return self._carrier.carry_out(task, self._now() + PATIENCE) is None

    def work(self) -> bool:
        """Carries out one intent that is due; True if there was one. Raises Unavailable."""
        task = self._store.claim()
        if task is None:
            return False
        self._carrier.carry_out(task, task.lease)
        return True

    def _checked(self, domain: str, changes: Mapping[str, Any], owner: str | None) -> Document:
        """The changes, examined; raises Invalid naming the first wrong one."""
        checks: dict[str, Callable[[Any], Any]] = {
            "maxAccounts": registration.checked_max_accounts,
            "owner": lambda given: _one_owner(registration.checked_owner(given), owner),
            "mailFromDomain": lambda given: self._mail_from(given, domain),
            "dkimSigning": _checked_signing,
        }
        for name in changes:
            if name not in checks:
                raise Invalid(name, "can't be changed", f"give one of {', '.join(CHANGES)}")
        return {name: checks[name](given) for name, given in changes.items()}

    def _mail_from(self, given: str | None, domain: str) -> str | None:
        if given is None:
            return None
        return registration.checked_mail_from(self._names.parse(given, "mailFromDomain"), self._names.parse(domain))


def _one_owner(given: str | None, owner: str | None) -> str | None:
    """The owner that is meant: who may touch one owner's domains only may name no other. Raises Invalid."""
    if owner is not None and given not in (None, owner):
        raise Invalid("owner", "is not yours", f"give {owner!r}, or leave it out")
    return owner or given


def _checked_signing(given: object) -> bool:
    if not isinstance(given, bool):
        raise Invalid("dkimSigning", "is neither true nor false", "give true or false")
    return given
