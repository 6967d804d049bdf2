"""Registration: domains are added, changed and removed, here and at SES."""

from webhook.domain.registration import NewDomain
from webhook.registration.carrier import Rules
from webhook.registration.registrar import Registrar
from webhook.registration.roles import Identities, Names, Registrations

__all__ = ["Identities", "Names", "NewDomain", "Registrar", "Registrations", "Rules"]
