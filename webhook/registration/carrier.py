"""Carrying out: what an intent wants of SES, step by step, each step only if it is not done already."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec

from webhook.domain import ownership, registration
from webhook.domain.ownership import Document
from webhook.domain.registration import Intent, Task
from webhook.domain.ses import USE_DEFAULT, Identity, State, Tenant
from webhook.errors import AwsError, Limited
from webhook.logs import get_logger
from webhook.registration.roles import Identities, Registrations

#: Seconds that a call may take at most, its waiting for a slot included: no call begins with less of the lease left.
CALL = 15.0

_Step = Callable[[Task, Identity, datetime], tuple[Identity, Document]]
T = TypeVar("T")

log = get_logger(__name__)


class Rules(msgspec.Struct, frozen=True):
    """What the settings say: AWS_SES_AUTO_REGISTER, SES_CONFIGURATION_SET and SES_TENANT_PREFIX."""

    auto_register: bool = True
    configuration_set: str | None = None
    tenant_prefix: str | None = None


class _Lost(Exception):
    """Somebody else has taken over."""


class Carrier:
    """Carries out tasks. `rules` say what belongs to an identity."""

    def __init__(
        self,
        store: Registrations,
        ses: Identities,
        rules: Rules,
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        self._store = store
        self._ses = ses
        self._rules = rules
        self._now = now
        self._jitter = jitter

    def carry_out(self, task: Task, until: datetime) -> Document | None:
        """Tells SES; the document as it then is, None if it is gone. What goes wrong is noted and tried again."""
        steps = {Intent.REGISTER: self._register, Intent.RESTART: self._restart, Intent.DELETE: self._delete}
        try:
            return steps[task.intent](task, until)
        except (AwsError, Limited) as error:
            wait = registration.wait_after(error, task.attempts, self._jitter())
            code = error.code if isinstance(error, AwsError) else "aws_throttled"
            log.warning("[AWS SES] not_done", domain=task.domain, intent=task.intent.value, code=code, seconds=wait)
            noted = registration.error_fields(error, self._now())
            return self._store.failed(task, noted, wait, unsure=registration.is_unsure(error))
        except _Lost:
            log.info("[AWS SES] taken_over", domain=task.domain, intent=task.intent.value)
            return self._store.find(task.domain)

    def _register(self, task: Task, until: datetime) -> Document | None:
        identity, made = self._identity(task)
        return self._complete(task, identity, until, made=made)

    def _restart(self, task: Task, until: datetime) -> Document | None:
        """Deletes and makes again. What was made is recorded as a registration at once, so it isn't deleted twice."""
        if tenant := self._tenant(task):
            arn = tenant.arn_of(f"identity/{task.domain}")
            _unless("aws_not_found", lambda: self._ses.dissociate_tenant(tenant.name, arn))
            self._check_time(task, until)
        self._delete_identity(task)
        # No look at the time here: what was just deleted comes back as soon as it can.
        return self._complete(task, self._made(task), until, made=True)

    def _delete(self, task: Task, until: datetime) -> Document | None:
        """Deletes what is ours, and the document. What SES had before, and we never took over, is not ours."""
        adopted = bool(task.aws.get("adopted"))
        ours = bool(task.aws.get("registered")) and not adopted
        if not ours and not adopted:
            found = _unless("aws_not_found", lambda: self._ses.get_identity(task.domain))
            ours = found is not None and ownership.is_ours(task.document, found)
            self._check_time(task, until)
        if ours and (tenant := self._tenant(task)):
            # Its associations go with it; an identity that has one could not be deleted.
            _unless("aws_not_found", lambda: self._ses.delete_tenant(tenant.name))
            self._check_time(task, until)
        if ours:
            self._delete_identity(task)
        return None if self._store.gone(task) else self._store.find(task.domain)

    def _delete_identity(self, task: Task) -> None:
        _unless("aws_not_found", lambda: self._ses.delete_identity(task.domain))
        log.info("[AWS SES] identity_deleted", domain=task.domain)

    def _tenant(self, task: Task) -> Tenant | None:
        """The domain's tenant; one that was made, but not written down any more, is found by its name."""
        if arn := task.aws.get("tenantArn"):
            return Tenant(task.aws["tenant"], arn)
        if not self._rules.tenant_prefix:
            return None
        name = registration.tenant_name(self._rules.tenant_prefix, task.domain)
        return _unless("aws_not_found", lambda: self._ses.get_tenant(name))

    def _identity(self, task: Task) -> tuple[Identity, bool]:
        """The domain's identity, and whether it was made now."""
        if task.aws.get("registered"):
            found = _unless("aws_not_found", lambda: self._ses.get_identity(task.domain))
            return (found, False) if found else (self._made(task), True)
        try:
            return self._made(task), True
        except AwsError as error:
            if error.code != "aws_already_exists":
                raise
        found = self._ses.get_identity(task.domain)
        if not ownership.may_adopt(task.document, found):
            raise ownership.not_adopted()
        log.info("[AWS SES] identity_adopted", domain=task.domain)
        return found, False

    def _made(self, task: Task) -> Identity:
        if not self._store.asking(task):
            raise _Lost
        tags = registration.tags_of(task.document)
        # An identity that had another configuration set before it was made again gets that one.
        chosen = task.aws.get("configurationSet") or self._rules.configuration_set
        made = self._ses.create_identity(task.domain, configuration_set=chosen, tags=tags)
        log.info("[AWS SES] identity_created", domain=task.domain)
        return msgspec.structs.replace(made, tags=tags)

    def _complete(self, task: Task, identity: Identity, until: datetime, *, made: bool) -> Document | None:
        """All that belongs to an identity, each part only if it is not so already."""
        fields: Document = {"region": self._ses.region}
        if made or not task.aws.get("registered"):
            # What SES had before, and we did not make, is used but never deleted.
            fields["adopted"] = not made and not ownership.is_ours(task.document, identity)
        steps = self._steps(task, identity, renew=made)
        document = self._store.recorded(task, identity, fields, made=made, ended=not steps)
        if document is None:
            raise _Lost
        if not steps:
            return document
        if made:
            task = msgspec.structs.replace(task, intent=Intent.REGISTER)
        for step in steps:
            self._check_time(task, until)
            identity, told = step(task, identity, until)
            fields |= told
        document = self._store.recorded(task, identity, fields, made=False, ended=True)
        if document is None:
            raise _Lost
        return document

    def _steps(self, task: Task, identity: Identity, *, renew: bool) -> list[_Step]:
        """What is yet to be done about an identity."""
        document, aws = task.document, task.aws
        signing = aws.get("dkimSigning")
        wanted = (
            (self._put_configuration_set, bool(self._rules.configuration_set and not identity.configuration_set)),
            (self._put_signing, signing is not None and signing != identity.signing_enabled),
            (self._put_mail_from, registration.mail_from_of(document, identity) != identity.mail_from_domain),
            (self._put_tenant, bool(self._rules.tenant_prefix and (renew or not aws.get("tenantArn")))),
        )
        return [step for step, needed in wanted if needed]

    def _put_configuration_set(self, task: Task, identity: Identity, _until: datetime) -> tuple[Identity, Document]:
        chosen = self._rules.configuration_set
        self._ses.put_configuration_set(task.domain, chosen)
        return msgspec.structs.replace(identity, configuration_set=chosen), {}

    def _put_signing(self, task: Task, identity: Identity, _until: datetime) -> tuple[Identity, Document]:
        wanted = bool(task.aws["dkimSigning"])
        self._ses.put_dkim_signing(task.domain, enabled=wanted)
        return msgspec.structs.replace(identity, signing_enabled=wanted), {}

    def _put_mail_from(self, task: Task, identity: Identity, _until: datetime) -> tuple[Identity, Document]:
        wanted = registration.mail_from_of(task.document, identity)
        self._ses.put_mail_from(task.domain, wanted, USE_DEFAULT)
        state = State.PENDING if wanted else None
        behavior = USE_DEFAULT if wanted else None
        replaced = msgspec.structs.replace(identity, mail_from_domain=wanted, mail_from_status=state, behavior=behavior)
        return replaced, {}

    def _put_tenant(self, task: Task, identity: Identity, until: datetime) -> tuple[Identity, Document]:
        """Makes the domain's tenant with its identity and configuration set; it can't send without either."""
        name = registration.tenant_name(self._rules.tenant_prefix or "", task.domain)
        tags = registration.tags_of(task.document)
        tenant = _unless("aws_already_exists", lambda: self._ses.create_tenant(name, tags))
        tenant = tenant or self._ses.get_tenant(name)
        resources = [f"identity/{task.domain}"]
        if identity.configuration_set:
            resources.append(f"configuration-set/{identity.configuration_set}")
        for resource in resources:
            self._check_time(task, until)
            _unless("aws_already_exists", partial(self._ses.associate_tenant, name, tenant.arn_of(resource)))
        return identity, {"tenant": tenant.name, "tenantArn": tenant.arn}

    def _check_time(self, task: Task, until: datetime) -> None:
        registration.check_time(task, self._now(), until, CALL)


def _unless(code: str, call: Callable[[], T]) -> T | None:
    """What the call gives; None if AWS answers with this error, which says that there is nothing to do."""
    try:
        return call()
    except AwsError as error:
        if error.code != code:
            raise
        return None
