"""What registration needs: who knows names, SES, and where domains and intents are kept."""

from collections.abc import Callable, Mapping
from typing import Protocol

from webhook.domain.names import DomainName
from webhook.domain.ownership import Admission, Document
from webhook.domain.registration import Check, Task
from webhook.domain.ses import Identity, Tenant


class Names(Protocol):
    """Who knows what a domain name is."""

    def parse(self, text: str, field: str = ...) -> DomainName:
        """The domain; raises Invalid naming `field`."""


class Identities(Protocol):
    """SES, as registration uses it. Raises AwsError, and Limited if no call is free soon."""

    @property
    def region(self) -> str: ...
    def create_identity(
        self, domain: str, *, configuration_set: str | None = ..., tags: Mapping[str, str] | None = ...
    ) -> Identity: ...
    def get_identity(self, domain: str) -> Identity: ...
    def delete_identity(self, domain: str) -> None: ...
    def put_mail_from(self, domain: str, mail_from: str | None, behavior: str = ...) -> None: ...
    def put_dkim_signing(self, domain: str, *, enabled: bool) -> None: ...
    def put_configuration_set(self, domain: str, configuration_set: str | None) -> None: ...
    def create_tenant(self, name: str, tags: Mapping[str, str] | None = ...) -> Tenant: ...
    def get_tenant(self, name: str) -> Tenant: ...
    def delete_tenant(self, name: str) -> None: ...
    def associate_tenant(self, name: str, arn: str) -> None: ...
    def dissociate_tenant(self, name: str, arn: str) -> None: ...


class Registrations(Protocol):
    """Where domains and intents are kept. Raises Unavailable; see `adapters.mongo.registrations`."""

    def admit(self, admission: Admission) -> tuple[Document, bool, Task | None]:
        """The domain's document, whether it was added now, and the task if SES is to be asked now; raises Refused."""

    def change(
        self,
        domain: str,
        changes: Mapping[str, object],
        *,
        who: str,
        owner: str | None,
        check: Check | None,
        parse: Callable[[str], DomainName],
    ) -> tuple[Document, Task | None]:
        """The document after these changes, and the task if SES is to be told now; raises NotFound and Refused."""

    def remove(
        self, domain: str, *, keep_identity: bool, who: str, owner: str | None, check: Check | None
    ) -> tuple[bool, Task | None]:
        """Whether the document is gone; if not, the task if SES is to be told now. Raises NotFound."""

    def claim(self) -> Task | None:
        """An intent that is due, ours for a lease."""

    def asking(self, task: Task) -> bool:
        """Notes that an identity may come into being now; False if the task is no longer ours."""

    def recorded(self, task: Task, identity: Identity, fields: Document, *, made: bool, ended: bool) -> Document | None:
        """Writes what SES said, and ends the intent if it is `ended`; None if the task is no longer ours."""

    def failed(self, task: Task, error: Document, wait: float, *, unsure: bool) -> Document | None:
        """Notes what was in the way, and when it is tried again, if the task is still ours; gives the document."""

    def gone(self, task: Task) -> bool:
        """Removes the document; False if the task is no longer ours."""

    def find(self, domain: str) -> Document | None:
        """The document as it is."""
