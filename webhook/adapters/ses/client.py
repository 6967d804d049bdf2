"""SES's version 2 API: one typed method for each call that we make, its errors in plain words, its pace kept."""

import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from webhook.adapters.ses.answers import account_of, identity_of, page_of
from webhook.adapters.ses.letters import request_of
from webhook.domain.ses import API_RATE, USE_DEFAULT, AccountState, Identity, ListedPage, Outgoing, Tenant

if TYPE_CHECKING:
    from webhook.adapters.ses.connection import Connection


class Reserve(Protocol):
    """Takes a slot of a rate that all processes share; see `adapters.mongo.limiter`."""

    def __call__(
        self, bucket: str, rate: float, *, burst: float = ..., patience: float = ..., count: int = ...
    ) -> float:
        """Seconds to wait; raises Limited if that were more than `patience`."""


class SesApi:
    """SES in one region. Every method raises AwsError; all but `send` wait for a slot, or raise Limited.

    What is None of region and credentials is left to boto3's own chain. `patience` is how many seconds a call may wait
    for its slot: few where somebody waits for the answer. Threads may share one.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        endpoint_url: str | None = None,
        reserve: Reserve,
        pause: Callable[[float], None],
        patience: float = 5.0,
    ) -> None:
        self._region = region
        self._key_id = access_key_id
        self._secret = secret_access_key
        self._endpoint_url = endpoint_url
        self._reserve = reserve
        self._pause = pause
        self._patience = patience
        self._making = threading.Lock()
        self._made: Connection | None = None

    @property
    def region(self) -> str:
        """The region asked; raises AwsError if none is set."""
        return self._region or self._connection().region

    def create_identity(
        self, domain: str, *, configuration_set: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Identity:
        """Makes a domain identity with Easy DKIM of 2048 bits; AwsError `aws_already_exists` if there is one."""
        request: dict[str, Any] = {"DkimSigningAttributes": {"NextSigningKeyLength": "RSA_2048_BIT"}}
        if configuration_set:
            request["ConfigurationSetName"] = configuration_set
        if tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
        answer = self._call("CreateEmailIdentity", EmailIdentity=domain, **request)
        return identity_of(domain, {"ConfigurationSetName": configuration_set, **answer})

    def get_identity(self, domain: str) -> Identity:
        """The identity as SES sees it now; AwsError `aws_not_found` if there is none."""
        return identity_of(domain, self._call("GetEmailIdentity", EmailIdentity=domain))

    def delete_identity(self, domain: str) -> None:
        """Deletes the identity; AwsError `aws_not_found` if there is none."""
        self._call("DeleteEmailIdentity", EmailIdentity=domain)

    def list_identities(self, token: str | None = None, *, size: int = 1000) -> ListedPage:
        """A page of all domain identities, by the token of the page before."""
        request = {"NextToken": token} if token else {}
        return page_of(self._call("ListEmailIdentities", PageSize=size, **request))

    def put_mail_from(self, domain: str, mail_from: str | None, behavior: str = USE_DEFAULT) -> None:
        """Sets the MAIL FROM domain, or takes it away again (None)."""
        wanted = {"MailFromDomain": mail_from} if mail_from else {}
        self._call("PutEmailIdentityMailFromAttributes", EmailIdentity=domain, BehaviorOnMxFailure=behavior, **wanted)

    def put_dkim_signing(self, domain: str, *, enabled: bool) -> None:
        """Switches DKIM signing on or off."""
        self._call("PutEmailIdentityDkimAttributes", EmailIdentity=domain, SigningEnabled=enabled)

    def put_configuration_set(self, domain: str, configuration_set: str | None) -> None:
        """Sets the identity's default configuration set."""
        wanted = {"ConfigurationSetName": configuration_set} if configuration_set else {}
        self._call("PutEmailIdentityConfigurationSetAttributes", EmailIdentity=domain, **wanted)

    def get_account(self) -> AccountState:
        """Quota, sandbox and standing of the account in this region."""
        answer = self._call("GetAccount")
        return account_of(self.region, answer)

    def send(self, mail: Outgoing) -> str:
        """Sends a mail, and gives its SES message id. It takes no slot: keep to MaxSendRate before."""
        message_id: str = self._connection().call("SendEmail", request_of(mail))["MessageId"]
        return message_id

    def create_tenant(self, name: str, tags: Mapping[str, str] | None = None) -> Tenant:
        """Makes a tenant; AwsError `aws_already_exists` if there is one."""
        given = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
        answer = self._call("CreateTenant", TenantName=name, **given)
        return Tenant(answer["TenantName"], answer["TenantArn"])

    def get_tenant(self, name: str) -> Tenant:
        """A tenant; AwsError `aws_not_found` if there is none."""
        answer = self._call("GetTenant", TenantName=name)["Tenant"]
        return Tenant(answer["TenantName"], answer["TenantArn"])

    def delete_tenant(self, name: str) -> None:
        """Deletes a tenant and its associations, not what it is associated with (DeleteTenant)."""
        self._call("DeleteTenant", TenantName=name)

    def associate_tenant(self, name: str, arn: str) -> None:
        """Puts an identity or a configuration set under a tenant; AwsError `aws_already_exists` if it is."""
        self._call("CreateTenantResourceAssociation", TenantName=name, ResourceArn=arn)

    def dissociate_tenant(self, name: str, arn: str) -> None:
        """Takes it away again: an identity under a tenant can't be deleted."""
        self._call("DeleteTenantResourceAssociation", TenantName=name, ResourceArn=arn)

    def put_tenant_status(self, arn: str, *, enabled: bool) -> None:
        """Lets a tenant send, or not."""
        self._call(
            "UpdateReputationEntityCustomerManagedStatus",
            ReputationEntityType="RESOURCE",
            ReputationEntityReference=arn,
            SendingStatus="ENABLED" if enabled else "DISABLED",
        )

    def put_configuration_set_sending(self, configuration_set: str, *, enabled: bool) -> None:
        """Lets mails with this configuration set be sent, or not."""
        self._call("PutConfigurationSetSendingOptions", ConfigurationSetName=configuration_set, SendingEnabled=enabled)

    def close(self) -> None:
        """Ends the connections; the next call opens them again."""
        with self._making:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def _call(self, operation: str, **request: object) -> Mapping[str, Any]:
        """A call that is no send: after its slot."""
        connection = self._connection()
        wait = self._reserve(f"ses:api:{connection.region}", API_RATE, patience=self._patience)
        if wait > 0:
            self._pause(wait)
        return connection.call(operation, request)

    def _connection(self) -> "Connection":
        with self._making:
            if self._made is None:
                # Only now: boto3 and its description of SES take longer to load than all the rest of the start.
                module = import_module("webhook.adapters.ses.connection")
                self._made = module.Connection(self._region, self._key_id, self._secret, self._endpoint_url)
            return self._made
