"""HTTP to addresses that customers wrote: guarded, pinned, and bounded in time and size."""

from webhook.adapters.outgoing.client import Outgoing, Reply
from webhook.adapters.outgoing.guard import Guard, Unresolvable
from webhook.adapters.outgoing.resolver import Resolve, Resolver

__all__ = ["Guard", "Outgoing", "Reply", "Resolve", "Resolver", "Unresolvable"]
