"""Which permissions this needs in AWS, and why: features, their calls, and the least policy that allows them. Pure."""

from webhook.domain.permissions.actions import actions_of
from webhook.domain.permissions.answers import Answer, Examination, How, May
from webhook.domain.permissions.circumstances import ANYTHING, Circumstances, Where
from webhook.domain.permissions.document import VERSION, Reason, Statement, document, reasons, statements
from webhook.domain.permissions.features import Audience, Feature, Use
from webhook.domain.permissions.table import FEATURES

__all__ = [
    "ANYTHING",
    "FEATURES",
    "VERSION",
    "Answer",
    "Audience",
    "Circumstances",
    "Examination",
    "Feature",
    "How",
    "May",
    "Reason",
    "Statement",
    "Use",
    "Where",
    "actions_of",
    "document",
    "reasons",
    "statements",
]
