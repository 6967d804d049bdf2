"""Types of event, in the two spellings that SES has for them."""

import re

_ANEW = re.compile(r"(?<=[a-z])(?=[A-Z])")


def camel(event: str) -> str:
    """`RENDERING_FAILURE`, as SES's API calls it, in CloudFormation's spelling `renderingFailure`."""
    first, *rest = event.lower().split("_")
    return first + "".join(map(str.capitalize, rest))


def snake(text: str) -> str:
    """`renderingFailure` as `rendering_failure`."""
    return _ANEW.sub("_", text).lower()
