"""Following: what SES says of every registered domain is read when it may have changed, and each change is a row."""

from webhook.following.follower import Follower
from webhook.following.roles import Identities, Sweeps, Verifications

__all__ = ["Follower", "Identities", "Sweeps", "Verifications"]
