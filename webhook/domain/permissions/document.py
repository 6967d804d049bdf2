"""The policy: its statements, as a document of IAM, and the reasons for them.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.permissions.actions import actions_of
from webhook.domain.permissions.circumstances import Circumstances, Where
from webhook.domain.permissions.features import Feature

VERSION = "2012-10-17"


class Statement(Struct, frozen=True):
    """Some actions of a feature, and the ARNs that they are allowed for."""

    sid: str
    feature: Feature
    actions: tuple[str, ...]
    resources: tuple[str, ...]


class Reason(Struct, frozen=True):
    """Why a feature is in a policy: its `sid`, the actions, `why` it needs them, and `when` it is on."""

    sid: str
    actions: tuple[str, ...]
    why: str
    when: str


def statements(features: Iterable[Feature], here: Circumstances) -> list[Statement]:
    """Those of the features that are on; one for each that a feature does different things to."""
    return [statement for feature in features if feature.on(here) for statement in _of(feature, here)]


def document(of: Iterable[Statement]) -> dict[str, Any]:
    """The policy as IAM takes it; what a statement allows is not said again by those after it."""
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": statement.sid,
                "Effect": "Allow",
                "Action": list(statement.actions),
                "Resource": list(statement.resources),
            }
            for statement in _condensed(of)
        ],
    }


def reasons(of: Iterable[Statement]) -> list[Reason]:
    """Why each feature's statements are there, in their order."""
    by_feature: dict[str, tuple[Feature, set[str]]] = {}
    for statement in of:
        by_feature.setdefault(statement.feature.sid, (statement.feature, set()))[1].update(statement.actions)
    return [
        Reason(feature.sid, tuple(sorted(actions)), feature.why, feature.when)
        for feature, actions in by_feature.values()
    ]


def _condensed(of: Iterable[Statement]) -> Iterator[Statement]:
    allowed: dict[str, set[str]] = {}
    for statement in of:
        wanted = set(statement.resources)
        news = tuple(one for one in statement.actions if not (wanted <= allowed.get(one, set())))
        for action in news:
            allowed.setdefault(action, set()).update(wanted)
        if news:
            yield replace(statement, actions=news)


def _of(feature: Feature, here: Circumstances) -> list[Statement]:
    granted: dict[tuple[Where, ...], set[str]] = {}
    for use in feature.uses:
        for operation, where in use.calls.items():
            if use.granted and (actions := actions_of(use.service, operation)):
                granted.setdefault(where, set()).update(actions)
    made = [
        (where, tuple(sorted(actions)), tuple(sorted({arn for one in where for arn in here.arns(one)})))
        for where, actions in granted.items()
    ]
    return [
        Statement(feature.sid + (_suffix(where) if len(made) > 1 else ""), feature, actions, resources)
        for where, actions, resources in made
    ]


def _suffix(where: tuple[Where, ...]) -> str:
    """What tells a feature's statements apart; a Sid has letters and digits only."""
    return "".join(word.capitalize() for one in where for word in one.name.split("_"))
