"""REST-JSON, as version 2 of the SES API speaks it: arguments in the path, in the query and in the body."""

import json
import re
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.model import OperationModel, Shape
from botocore.utils import parse_timestamp

from tests.fakes.ses.wire.asked import Received, Unreadable
from tests.fakes.ses.wire.model import require_shape, service_model


class Route(NamedTuple):
    """Where an operation is called."""

    method: str
    path: re.Pattern[str]
    operation: OperationModel


@cache
def routes(service: str) -> tuple[Route, ...]:
    """All operations, those first whose paths have the fewest variable parts."""
    model = service_model(service)
    operations = [model.operation_model(name) for name in model.operation_names]
    operations.sort(key=lambda operation: operation.http["requestUri"].count("{"))
    return tuple(Route(one.http["method"], _pattern(one.http["requestUri"]), one) for one in operations)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", path))


def read(service: str, received: Received) -> tuple[str, dict[str, Any]]:
    """The operation and its arguments; raises Unreadable."""
    split = urlsplit(received.target)
    for method, path, operation in routes(service):
        if method == received.method and (match := path.fullmatch(split.path)):
            body = json.loads(received.body) if received.body else {}
            labels = {name: unquote(value) for name, value in match.groupdict().items()}
            return operation.name, {**body, **_in_query(operation, split.query), **labels}
    raise Unreadable(f"{received.method} {split.path} is no operation of {service}")


def _in_query(operation: OperationModel, query: str) -> dict[str, Any]:
    members = operation.input_shape.members if operation.input_shape else {}
    names = {
        shape.serialization.get("name", name): (name, shape)
        for name, shape in members.items()
        if shape.serialization.get("location") == "querystring"
    }
    found = {}
    for given, values in parse_qs(query, keep_blank_values=True).items():
        if given not in names:
            raise Unreadable(f"{operation.name} has no {given}")
        name, shape = names[given]
        found[name] = [_value(shape.member, value) for value in values] if _is_list(shape) else _value(shape, values[0])
    return found


def _is_list(shape: Shape) -> bool:
    return shape.type_name == "list"


def _value(shape: Shape, text: str) -> Any:
    match shape.type_name:
        case "integer" | "long":
            return int(text)
        case "boolean":
            return text == "true"
        case "timestamp":
            return parse_timestamp(text).timestamp()
    return text


def write(service: str, operation: str, answer: dict[str, Any]) -> bytes:
    """The body; raises Misshapen."""
    require_shape(service_model(service).operation_model(operation).output_shape, answer, operation)
    return json.dumps(answer).encode()
