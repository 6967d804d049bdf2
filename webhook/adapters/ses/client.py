"""SES's version 2 API: one typed method for each call that we make, its errors in plain words, its pace kept."""

from collections.abc import Callable, Mapping
from typing import Any

from webhook.adapters.ses.answers import account_of, identity_of, page_of
from webhook.adapters.ses.letters import request_of
from webhook.amazon import Access, Amazon, Reserve
from webhook.domain.ses import USE_DEFAULT, AccountState, Identity, ListedPage, Outgoing, Tenant


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
        access = Access(region, access_key_id, secret_access_key, endpoint_url)
        self._amazon = Amazon(access, reserve, pause, patience=patience)

    @property
    def region(self) -> str:
        """The region asked; raises AwsError if none is set."""
        return self._amazon.region

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
        message_id: str = self._call("SendEmail", **request_of(mail))["MessageId"]
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
        self._amazon.close()

    def _call(self, operation: str, **request: object) -> Mapping[str, Any]:
        return self._amazon.call("sesv2", operation, request)
