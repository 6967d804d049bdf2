"""What each operation of the API does to the state."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.fakes.ses import errors
from tests.fakes.ses.figures import CLASSIC_FIGURES, FIGURES
from tests.fakes.ses.identities import FakeIdentity
from tests.fakes.ses.notices import CLASSIC_NOTICES, put_feedback
from tests.fakes.ses.sending import send_email
from tests.fakes.ses.sets import SET_OPERATIONS
from tests.fakes.ses.suppressed import SUPPRESSION_OPERATIONS
from tests.fakes.ses.tags import TAG_OPERATIONS
from tests.fakes.ses.tenants import TENANT_OPERATIONS

if TYPE_CHECKING:
    from tests.fakes.ses.state import State

Answer = dict[str, Any]
Operation = Callable[["State", dict[str, Any]], Answer]


def create_identity(state: State, asked: dict[str, Any]) -> Answer:
    name = asked["EmailIdentity"]
    if name in state.identities:
        raise errors.already_exists(f"Email identity {name}")
    chosen = asked.get("ConfigurationSetName")
    if chosen:
        state.configuration_set(chosen)
    identity = FakeIdentity(name, state.clock.now(), chosen, asked.get("Tags") or [])
    identity.key_length = asked.get("DkimSigningAttributes", {}).get("NextSigningKeyLength", "RSA_1024_BIT")
    state.identities[name] = identity
    return {
        "IdentityType": identity.kind,
        "VerifiedForSendingStatus": False,
        "DkimAttributes": identity.dkim_attributes(),
    }


def get_identity(state: State, asked: dict[str, Any]) -> Answer:
    return state.identity(asked["EmailIdentity"]).told(state.clock.now())


def delete_identity(state: State, asked: dict[str, Any]) -> Answer:
    name = asked["EmailIdentity"]
    state.identity(name)
    if any(f":identity/{name}" in arn for tenant in state.tenants.values() for arn in tenant.resources):
        raise errors.bad_request(f"Identity {name} is associated with a tenant.")
    del state.identities[name]
    return {}


def list_identities(state: State, asked: dict[str, Any]) -> Answer:
    size = min(asked.get("PageSize") or 1000, 1000)
    after = asked.get("NextToken") or ""
    names = sorted(name for name in state.identities if name > after)
    rows = []
    for name in names[:size]:
        identity = state.identity(name)
        rows.append(
            {
                "IdentityType": identity.kind,
                "IdentityName": name,
                "SendingEnabled": identity.verified,
                "VerificationStatus": identity.dkim.status,
            }
        )
    more = {"NextToken": names[size - 1]} if len(names) > size else {}
    return {"EmailIdentities": rows, **more}


def put_mail_from(state: State, asked: dict[str, Any]) -> Answer:
    wanted = asked.get("MailFromDomain") or None
    name = asked["EmailIdentity"]
    if wanted and not wanted.endswith(f".{name}"):
        raise errors.bad_request(
            f"Provided MAIL-FROM domain <{wanted}> is not subdomain of the domain of the identity."
        )
    behavior = asked.get("BehaviorOnMxFailure") or "USE_DEFAULT_VALUE"
    state.identity(name).set_mail_from(wanted, behavior, state.clock.now())
    return {}


def put_dkim(state: State, asked: dict[str, Any]) -> Answer:
    state.identity(asked["EmailIdentity"]).signing = bool(asked.get("SigningEnabled"))
    return {}


def put_identity_configuration_set(state: State, asked: dict[str, Any]) -> Answer:
    chosen = asked.get("ConfigurationSetName") or None
    identity = state.identity(asked["EmailIdentity"])
    if chosen:
        state.configuration_set(chosen)
    identity.configuration_set = chosen
    return {}


def get_account(state: State, _asked: dict[str, Any]) -> Answer:
    vdm = "ENABLED" if state.account.vdm_enabled(state.vdm) else "DISABLED"
    return {**state.account.told(state.clock.now()), "VdmAttributes": {"VdmEnabled": vdm}}


def put_account_sending(state: State, asked: Answer) -> Answer:
    state.account.sending_enabled = bool(asked.get("SendingEnabled"))
    return {}


def put_account_vdm(state: State, asked: Answer) -> Answer:
    state.account.vdm = asked["VdmAttributes"]["VdmEnabled"] == "ENABLED"
    return {}


def put_account_suppression(state: State, asked: Answer) -> Answer:
    state.account.suppressed_reasons = list(asked.get("SuppressedReasons") or [])
    return {}


def message_id() -> str:
    """An id of the form that SES gives."""
    return f"0110{uuid.uuid4().hex[:12]}-{uuid.uuid4()}-000000"


#: Those of version 1 of the API.
CLASSIC_OPERATIONS: dict[str, Operation] = {**CLASSIC_FIGURES, **CLASSIC_NOTICES}
OPERATIONS: dict[str, Operation] = {
    "CreateEmailIdentity": create_identity,
    "GetEmailIdentity": get_identity,
    "DeleteEmailIdentity": delete_identity,
    "ListEmailIdentities": list_identities,
    "PutEmailIdentityMailFromAttributes": put_mail_from,
    "PutEmailIdentityDkimAttributes": put_dkim,
    "PutEmailIdentityConfigurationSetAttributes": put_identity_configuration_set,
    "GetAccount": get_account,
    "SendEmail": lambda state, asked: send_email(state, asked, message_id()),
    "PutEmailIdentityFeedbackAttributes": put_feedback,
    "PutAccountSendingAttributes": put_account_sending,
    "PutAccountVdmAttributes": put_account_vdm,
    "PutAccountSuppressionAttributes": put_account_suppression,
    **SET_OPERATIONS,
    **SUPPRESSION_OPERATIONS,
    **TAG_OPERATIONS,
    **TENANT_OPERATIONS,
    **FIGURES,
    **CLASSIC_OPERATIONS,
}
