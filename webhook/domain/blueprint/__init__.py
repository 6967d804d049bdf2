"""What stands in AWS so that events reach us, as values: drawn, compared with what is there, written as a template."""

from webhook.domain.blueprint.cloudformation import CLOUDFORMATION, CLOUDFORMATION_URL, cloudformation
from webhook.domain.blueprint.comparison import Difference, differences
from webhook.domain.blueprint.drawing import assignment, blueprint
from webhook.domain.blueprint.found import Found
from webhook.domain.blueprint.place import Place
from webhook.domain.blueprint.policies import key_policy_statements
from webhook.domain.blueprint.resources import DEFAULT_NAME, EVENTS, NAME_TAG, OPEN_CLICK, Kind, Resource, Wanted
from webhook.domain.blueprint.spelling import camel, snake
from webhook.domain.blueprint.terraform import TERRAFORM, TERRAFORM_URL, terraform

__all__ = [
    "CLOUDFORMATION",
    "CLOUDFORMATION_URL",
    "DEFAULT_NAME",
    "EVENTS",
    "NAME_TAG",
    "OPEN_CLICK",
    "TERRAFORM",
    "TERRAFORM_URL",
    "Difference",
    "Found",
    "Kind",
    "Place",
    "Resource",
    "Wanted",
    "assignment",
    "blueprint",
    "camel",
    "cloudformation",
    "differences",
    "key_policy_statements",
    "snake",
    "terraform",
]
