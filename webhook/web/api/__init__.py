"""The API, one module for each noun. JSON in camel case; moments in ISO 8601, UTC; days as YYYY-MM-DD."""

from webhook.web.api import (
    account,
    alerts,
    audit,
    costs,
    documentation,
    domains,
    endpoints,
    gaps,
    mails,
    pauses,
    quarantine,
    sending,
    suppressions,
    verification,
)
from webhook.web.api.operation import OPERATIONS, blueprint
from webhook.web.parameters import VERIFICATIONS

__all__ = [
    "OPERATIONS",
    "VERIFICATIONS",
    "account",
    "alerts",
    "audit",
    "blueprint",
    "costs",
    "documentation",
    "domains",
    "endpoints",
    "gaps",
    "mails",
    "pauses",
    "quarantine",
    "sending",
    "suppressions",
    "verification",
]
