"""Tenants, what is associated with them, and whether they may send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.ses import errors

if TYPE_CHECKING:
    from tests.fakes.ses.state import State

Answer = dict[str, Any]


@dataclass
class FakeTenant:
    """One tenant."""

    name: str
    arn: str
    created: datetime
    tags: list[dict[str, str]] = field(default_factory=list)
    status: str = "ENABLED"
    resources: set[str] = field(default_factory=set)

    def told(self) -> Answer:
        return {
            "TenantName": self.name,
            "TenantId": self.arn.rpartition("/")[2],
            "TenantArn": self.arn,
            "CreatedTimestamp": self.created.timestamp(),
            "Tags": self.tags,
            "SendingStatus": self.status,
        }


def create_tenant(state: State, asked: dict[str, Any]) -> Answer:
    name = asked["TenantName"]
    if name in state.tenants:
        raise errors.already_exists(f"Tenant {name}")
    arn = f"{state.arn}:tenant/{name}/tn-{len(state.calls):08x}"
    state.tenants[name] = FakeTenant(name, arn, state.clock.now(), asked.get("Tags") or [])
    return state.tenants[name].told()


def get_tenant(state: State, asked: dict[str, Any]) -> Answer:
    return {"Tenant": state.tenant(asked["TenantName"]).told()}


def delete_tenant(state: State, asked: dict[str, Any]) -> Answer:
    state.tenant(asked["TenantName"])
    del state.tenants[asked["TenantName"]]
    return {}


def associate(state: State, asked: dict[str, Any]) -> Answer:
    tenant, arn = state.tenant(asked["TenantName"]), asked["ResourceArn"]
    state.require_resource(arn)
    if arn in tenant.resources:
        raise errors.already_exists(f"Association of {arn}")
    tenant.resources.add(arn)
    return {}


def dissociate(state: State, asked: dict[str, Any]) -> Answer:
    tenant, arn = state.tenant(asked["TenantName"]), asked["ResourceArn"]
    if arn not in tenant.resources:
        raise errors.not_found(f"Association of {arn}")
    tenant.resources.remove(arn)
    return {}


def put_status(state: State, asked: dict[str, Any]) -> Answer:
    arn = asked["ReputationEntityReference"]
    tenant = next((tenant for tenant in state.tenants.values() if tenant.arn == arn), None)
    if tenant is None:
        raise errors.bad_request(f"No reputation entity {arn}.")
    tenant.status = asked["SendingStatus"]
    return {}


TENANT_OPERATIONS: dict[str, Callable[[State, dict[str, Any]], Answer]] = {
    "CreateTenant": create_tenant,
    "GetTenant": get_tenant,
    "DeleteTenant": delete_tenant,
    "CreateTenantResourceAssociation": associate,
    "DeleteTenantResourceAssociation": dissociate,
    "UpdateReputationEntityCustomerManagedStatus": put_status,
}
