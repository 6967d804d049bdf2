"""Set-up in AWS by one command: what would change, doing it, and taking it away again."""

from webhook.setup.applying import Applier, Stopped
from webhook.setup.confirmation import Confirmation, Waiting
from webhook.setup.demolition import demolish
from webhook.setup.installation import Installation
from webhook.setup.planning import Planner
from webhook.setup.plans import Action, Plan, Step
from webhook.setup.roles import Dependents, Handler, Identities, Site, Tell

__all__ = [
    "Action",
    "Applier",
    "Confirmation",
    "Dependents",
    "Handler",
    "Identities",
    "Installation",
    "Plan",
    "Planner",
    "Site",
    "Step",
    "Stopped",
    "Tell",
    "Waiting",
    "demolish",
]
