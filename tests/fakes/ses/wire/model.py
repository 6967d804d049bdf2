"""botocore's own descriptions of the services, and whether an answer fits them."""

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape


class Misshapen(AssertionError):
    """The fake answers what the service never does."""


@cache
def service_model(service: str) -> ServiceModel:
    """The description by boto3's name of the service; raises UnknownServiceError."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
    "blob": (str,),
}


def require_shape(shape: Shape | None, value: Any, where: str) -> None:
    """Returns if the value (of JSON) has that shape; raises Misshapen."""
    kind = shape.type_name if shape else "structure"
    if kind == "structure":
        members = shape.members if shape else {}
        for name, inner in value.items():
            if name not in members:
                raise Misshapen(f"{where} has no {name}")
            require_shape(members[name], inner, f"{where}.{name}")
    elif kind == "list":
        for inner in value:
            require_shape(shape.member, inner, f"{where}[]")
    elif kind == "map":
        for inner in value.values():
            require_shape(shape.value, inner, f"{where}{{}}")
    elif not isinstance(value, _SCALARS[kind]) or (kind != "boolean" and isinstance(value, bool)):
        raise Misshapen(f"{where} is a {kind}, not {value!r}")
