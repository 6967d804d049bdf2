"""What is there, compared with what should be: property by property, by meaning and not by spelling."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct


class Difference(Struct, frozen=True):
    """A property that is not as it should be; `path` is dotted, `found` is None where it is not set."""

    path: str
    found: Any
    wanted: Any

    @property
    def property(self) -> str:
        """The outermost property that must be set anew."""
        return self.path.partition(".")[0]


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Where what was found is not what is wanted. What is found beyond it is nobody's business here."""
    return tuple(_differences(wanted, found, ""))


def _differences(wanted: Mapping[str, Any], found: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for name, value in wanted.items():
        there = found.get(name)
        same = _BY_NAME.get(name)
        if same is None and isinstance(value, Mapping):
            yield from _differences(value, there if isinstance(there, Mapping) else {}, f"{path}{name}.")
        elif not (same or _same)(value, there):
            yield Difference(f"{path}{name}", there, value)


def _same(wanted: object, found: object) -> bool:
    return _sorted(wanted) == _sorted(found)


def _sorted(value: object) -> object:
    """The same with its lists in order: none of ours means anything by its order."""
    if isinstance(value, Mapping):
        return {key: _sorted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return sorted(map(_sorted, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def _among(wanted: list[dict[str, Any]], found: object) -> bool:
    """Whether each of these is there, whatever else is, and whatever more is said of it."""
    there = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else []
    return all(any(one.items() <= each.items() for each in there) for one in wanted)


def same_policy(wanted: Mapping[str, Any], found: object) -> bool:
    """Whether two policies allow the same: Amazon gives one back in other words than it took it."""
    return isinstance(found, Mapping) and _statements(wanted) == _statements(found)


def _statements(policy: Mapping[str, Any]) -> list[str]:
    statements = policy.get("Statement") or []
    listed = statements if isinstance(statements, list) else [statements]
    return sorted(json.dumps(_statement(one), sort_keys=True) for one in listed if isinstance(one, Mapping))


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement without its name, and each word of it in the one spelling."""
    return {name: _WORDS.get(name, _texts)(value) for name, value in statement.items() if name != "Sid"}


def _texts(value: object) -> list[str]:
    return sorted(map(str, value if isinstance(value, list) else [value]))


def _actions(value: object) -> list[str]:
    return [text.lower() for text in _texts(value)]


def _principal(value: object) -> dict[str, list[str]]:
    named = value if isinstance(value, Mapping) else {"AWS": value}
    return {kind: _texts(who) for kind, who in named.items()}


def _condition(value: object) -> dict[str, dict[str, list[str]]]:
    """Operators as they are, keys in small letters: those don't tell capitals apart."""
    return {
        operator: {key.lower(): _texts(wanted) for key, wanted in keys.items()}
        for operator, keys in (value.items() if isinstance(value, Mapping) else ())
        if isinstance(keys, Mapping)
    }


_WORDS: Mapping[str, Callable[[object], object]] = {
    "Action": _actions,
    "Principal": _principal,
    "Condition": _condition,
}
_BY_NAME: Mapping[str, Callable[[Any, Any], bool]] = {
    "EventPattern": _same,
    "PolicyDocument": same_policy,
    "Tags": _among,
    "Targets": _among,
}
