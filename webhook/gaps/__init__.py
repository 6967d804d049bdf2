"""Gaps between what AWS counts and what was heard here: finding them, and restoring what AWS still holds."""

from webhook.gaps.checking import Checker
from webhook.gaps.draining import Drainer
from webhook.gaps.patience import PatientStore
from webhook.gaps.repairing import Repair, Repairer
from webhook.gaps.restoring import Restorer

__all__ = ["Checker", "Drainer", "PatientStore", "Repair", "Repairer", "Restorer"]
