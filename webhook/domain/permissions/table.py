"""Every feature that calls AWS. A call that is in none of them fails a test: add it to the one that makes it.

What an action can be limited to is AWS's to say: the Service Authorization Reference, for each service,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.
"""

from webhook.domain.permissions.commands import CHECK, DOCTOR, LIVE, SETUP
from webhook.domain.permissions.features import Feature
from webhook.domain.permissions.service import ALERTS, DOMAINS, MESSAGES

FEATURES: tuple[Feature, ...] = (*DOMAINS, *MESSAGES, *ALERTS, SETUP, DOCTOR, LIVE, CHECK)
