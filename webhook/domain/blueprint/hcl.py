"""HashiCorp's configuration language, as far as templates of ours need it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct


class Block(Struct, frozen=True):
    """A block: `resource "aws_sns_topic" "topic" { … }`; a mapping in its body is a map, a Block a block of its own."""

    head: str
    body: Mapping[str, Any]


class Json(Struct, frozen=True):
    """A value that is written as `jsonencode(…)`."""

    value: Any


class Word(Struct, frozen=True):
    """A word of the language, or a path: written without quotes."""

    text: str


def written(blocks: tuple[Block, ...]) -> str:
    """The blocks as text, with an empty line between them."""
    return "\n".join("\n".join([*_block(block, ""), ""]) for block in blocks)


def _block(block: Block, indent: str) -> Iterator[str]:
    if not block.body:
        yield f"{indent}{block.head} {{}}"
        return
    yield f"{indent}{block.head} {{"
    attributes = [name for name, value in block.body.items() if not isinstance(value, Block)]
    width = max((len(name) for name in attributes), default=0)
    for name, value in block.body.items():
        if isinstance(value, Block):
            yield from _block(value, indent + "  ")
        else:
            yield f"{indent}  {name.ljust(width)} = {_value(value, indent + '  ')}"
    yield f"{indent}}}"


def _value(value: object, indent: str) -> str:
    if isinstance(value, Json):
        # JSON is an expression of this language, and so are the placeholders in its texts.
        return f"jsonencode({json.dumps(value.value, indent=2).replace(chr(10), chr(10) + indent)})"
    if isinstance(value, Word):
        return value.text
    if isinstance(value, Mapping):
        inside = "".join(f"{indent}  {_key(key)} = {_value(each, indent + '  ')}\n" for key, each in value.items())
        return f"{{\n{inside}{indent}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each, indent) for each in value)}]"
    return json.dumps(value)


def _key(key: str) -> str:
    return key if key.isidentifier() else json.dumps(key)
