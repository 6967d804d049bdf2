"""Bodies gone wrong in every way that bytes and JSON can go wrong, from a seed."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

_STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 10**400, 1e308, "", "\0", "\ud800", "x" * 3000, [], {}, [[]], {"": {}}, ["a", 1], "2026-13-45",
)  # fmt: skip


def mutations(genuine: bytes, count: int, seed: int = 1) -> Iterator[bytes]:
    """So many bodies, each made from the genuine one by one or two mutations."""
    rng = Random(seed)
    for _ in range(count):
        content = rng.choice(_MUTATIONS)(genuine, rng)
        yield rng.choice(_MUTATIONS)(content, rng) if rng.random() < 0.3 else content


def _truncated(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _bytes_changed(content: bytes, rng: Random) -> bytes:
    changed = bytearray(content or b"{}")
    for _ in range(rng.randint(1, 4)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _inserted(content: bytes, rng: Random) -> bytes:
    piece = rng.choice(
        (b"\0", b"\xff\xfe", b"\xc3(", b"\xef\xbb\xbf", b'"', b"}", b"{", b"\\ud800", b"\\udc00", b"9" * 400)
    )
    spot = rng.randrange(len(content) + 1)
    return content[:spot] + piece + content[spot:]


def _nested(_content: bytes, rng: Random) -> bytes:
    depth = rng.choice((10, 900, 5000, 60_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return opening * depth + b"0" + closing * rng.choice((0, depth))


def _field_changed(content: bytes, rng: Random) -> bytes:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        return content
    if not isinstance(fields, dict) or not fields:
        return content
    name = rng.choice(sorted(fields))
    if rng.random() < 0.2:
        del fields[name]
    else:
        fields[name] = rng.choice(_STRANGE)
    return json.dumps(fields).encode()


def _duplicated_key(content: bytes, rng: Random) -> bytes:
    name = rng.choice(("Type", "Message", "TopicArn", "Signature", "SigningCertURL", "Timestamp"))
    value = json.dumps(rng.choice(_STRANGE))
    return b"{" + f'"{name}": {value},'.encode() + content[1:]


def _repeated(content: bytes, rng: Random) -> bytes:
    return content[:20_000] * rng.randint(2, 3)


_MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _truncated, _bytes_changed, _inserted, _nested, _field_changed, _duplicated_key, _repeated,
)  # fmt: skip
