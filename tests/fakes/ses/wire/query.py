"""The query protocol: a form in, XML out (SNS, IAM, STS, CloudFormation and version 1 of the SES API)."""

import re
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import Shape
from botocore.utils import parse_timestamp

from tests.fakes.ses.wire.model import require_shape, service_model

Form = dict[str, str]
_INVALID_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def read(service: str, operation: str, form: Form) -> dict[str, Any]:
    """The arguments that are in the form."""
    shape = service_model(service).operation_model(operation).input_shape
    return _structure(shape, form, "") if shape else {}


def _structure(shape: Shape, form: Form, prefix: str) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        value = _read(member, form, prefix + member.serialization.get("name", name))
        if value is not None:
            found[name] = value
    return found


def _read(shape: Shape, form: Form, prefix: str) -> Any:
    match shape.type_name:
        case "structure":
            return _structure(shape, form, f"{prefix}.") or None
        case "list":
            return _list(shape, form, prefix)
        case "map":
            return _map(shape, form, prefix)
    return _scalar(shape.type_name, form[prefix]) if prefix in form else None


def _list(shape: Shape, form: Form, prefix: str) -> list[Any] | None:
    flattened = shape.serialization.get("flattened")
    steps = prefix if flattened else f"{prefix}.{shape.member.serialization.get('name', 'member')}"
    found = []
    while (value := _read(shape.member, form, f"{steps}.{len(found) + 1}")) is not None:
        found.append(value)
    return found or None


def _map(shape: Shape, form: Form, prefix: str) -> dict[str, Any] | None:
    steps = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
    key_name, value_name = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
    found: dict[str, Any] = {}
    while (key := form.get(f"{steps}.{len(found) + 1}.{key_name}")) is not None:
        found[key] = _read(shape.value, form, f"{steps}.{len(found) + 1}.{value_name}")
    return found or None


def _scalar(kind: str, text: str) -> Any:
    match kind:
        case "integer" | "long":
            return int(text)
        case "boolean":
            return text == "true"
        case "double" | "float":
            return float(text)
        case "timestamp":
            return parse_timestamp(text).timestamp()
    return text


def write(service: str, operation: str, answer: dict[str, Any]) -> bytes:
    """The answer's XML; timestamps are given in seconds since 1970. Raises Misshapen."""
    model = service_model(service)
    shape = model.operation_model(operation).output_shape
    require_shape(shape, answer, operation)
    result = ""
    if shape is not None:
        wrapper = shape.serialization.get("resultWrapper", f"{operation}Result")
        result = f"<{wrapper}>{_members(shape, answer)}</{wrapper}>"
    return (
        f'<{operation}Response xmlns="{model.metadata.get("xmlNamespace", "")}">{result}'
        "<ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    ).encode()


def _members(shape: Shape, value: dict[str, Any]) -> str:
    return "".join(
        _element(member, value[name], member.serialization.get("name", name))
        for name, member in shape.members.items()
        if value.get(name) is not None
    )


def _element(shape: Shape, value: Any, name: str) -> str:
    match shape.type_name:
        case "structure":
            inner = _members(shape, value)
        case "list":
            step = shape.member.serialization.get("name", "member")
            inner = "".join(_element(shape.member, one, step) for one in value)
        case "map":
            inner = "".join(_entry(shape, key, one) for key, one in value.items())
        case _:
            inner = _text(shape.type_name, value)
    return f"<{name}>{inner}</{name}>"


def _entry(shape: Shape, key: str, value: Any) -> str:
    names = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
    return f"<entry>{_element(shape.key, key, names[0])}{_element(shape.value, value, names[1])}</entry>"


def _text(kind: str, value: Any) -> str:
    if kind == "timestamp":
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if kind == "boolean":
        return str(value).lower()
    return escape(_INVALID_IN_XML.sub("?", str(value)), {"\r": "&#13;"})


def refusal(code: str, message: str, namespace: str = "") -> bytes:
    """The XML of an error."""
    return (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error>"
        "<RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
    ).encode()
