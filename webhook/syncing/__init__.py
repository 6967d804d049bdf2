"""Keeping step with the suppression list of the SES account: theirs into ours, and ours into theirs if wanted."""

from webhook.syncing.running import Rehearsed, Run, rehearsed
from webhook.syncing.synchronizer import Synchronizer

__all__ = ["Rehearsed", "Run", "Synchronizer", "rehearsed"]
