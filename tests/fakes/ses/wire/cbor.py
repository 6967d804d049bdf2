"""CBOR, as CloudWatch's clients speak it by now; as much of RFC 8949 as AWS's services need."""

import io
import struct
from typing import Any

from botocore.model import Shape
from botocore.parsers import RpcV2CBORParser

_UNSIGNED, _NEGATIVE, _TEXT, _LIST, _MAP, _TAG = 0, 1, 3, 4, 5, 6
_TIME = _TAG << 5 | 1


def read(body: bytes) -> Any:
    """The value; a timestamp is a datetime."""
    return RpcV2CBORParser().parse_data_item(io.BufferedReader(io.BytesIO(body))) if body else {}


def write(value: Any, shape: Shape | None = None) -> bytes:
    """The bytes; numbers that `shape` calls a timestamp or a double are written as such."""
    match value:
        case bool():
            return b"\xf5" if value else b"\xf4"
        case None:
            return b"\xf6"
        case int() | float():
            return _number(value, shape.type_name if shape else "")
        case str():
            encoded = value.encode()
            return _head(_TEXT, len(encoded)) + encoded
        case list():
            inner = shape.member if shape else None
            return _head(_LIST, len(value)) + b"".join(write(one, inner) for one in value)
    return _head(_MAP, len(value)) + b"".join(write(key) + write(one, _inner(shape, key)) for key, one in value.items())


def _inner(shape: Shape | None, key: str) -> Shape | None:
    if shape is None:
        return None
    return shape.value if shape.type_name == "map" else shape.members.get(key)


def _number(value: float, kind: str) -> bytes:
    if kind == "timestamp":
        return bytes([_TIME]) + _double(value)
    if kind in ("double", "float") or isinstance(value, float):
        return _double(value)
    whole = int(value)
    return _head(_UNSIGNED, whole) if whole >= 0 else _head(_NEGATIVE, -1 - whole)


def _double(value: float) -> bytes:
    return b"\xfb" + struct.pack(">d", value)


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | code]) + argument.to_bytes(size, "big")
    raise OverflowError(argument)
