"""`doctor --live`: real mail through the real chain, followed hop by hop."""

from webhook.live.standing import Report, Show, Standing
from webhook.live.trial import Trial

__all__ = ["Report", "Show", "Standing", "Trial"]
