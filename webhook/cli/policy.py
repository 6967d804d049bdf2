"""`policy`: the least IAM policy that this needs, why it needs it, and what of it the present credentials lack."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from webhook.assembling.policy import Bench, open_policy
from webhook.cli.table import add_json, print_json, print_line, print_table
from webhook.config import Settings
from webhook.domain.blueprint import DEFAULT_NAME
from webhook.domain.permissions import (
    FEATURES,
    Answer,
    Audience,
    Examination,
    Feature,
    How,
    May,
    Statement,
    document,
    reasons,
    statements,
)
from webhook.errors import AwsError, Limited, Unavailable, begun_small
from webhook.paging import Item

#: Characters that a managed policy may have, blanks not counted (IAM and STS quotas).
SIZE_MAX = 6144
_ASKING = "iam:SimulatePrincipalPolicy"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("policy", help="the least IAM policy that this needs, and what of it is lacking")
    parser.add_argument("--check", action="store_true", help="say what of it the present credentials lack")
    parser.add_argument("--explain", action="store_true", help="say why each action is in it")
    parser.add_argument(
        "--for",
        dest="audience",
        choices=("all", *Audience),
        default="all",
        help="only what the running service needs, or only what people's commands need (setup, doctor, policy --check)",
    )
    parser.add_argument("--everything", action="store_true", help="as if all that settings can switch on were on")
    parser.add_argument("--name", default=DEFAULT_NAME, metavar="NAME", help="of what `setup` makes")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    with open_policy(settings, name=arguments.name, everything=arguments.everything) as bench:
        found = statements(_features(arguments.audience), bench.here)
        for note in _notes(bench, found):
            print(note, file=sys.stderr)
        if arguments.check:
            return _check(bench, found, as_json=arguments.json)
    (_explain if arguments.explain else _print)(found, as_json=arguments.json)
    return 0


def _features(audience: str) -> list[Feature]:
    return [feature for feature in FEATURES if audience in ("all", feature.audience)]


def _notes(bench: Bench, found: Sequence[Statement]) -> Iterator[str]:
    yield from bench.notes
    size = len(json.dumps(document(found), separators=(",", ":")))
    if size > SIZE_MAX:
        told = f"It has {size:,} characters, and a managed policy may have {SIZE_MAX:,}"
        yield f"{told}: attach it in two, made with `--for service` and `--for commands`."


def _print(found: Sequence[Statement], *, as_json: bool) -> None:
    print(json.dumps(document(found), indent=2))
    if not as_json:
        print("Why each action is in it: `python -m webhook policy --explain`.", file=sys.stderr)


def _explain(found: Sequence[Statement], *, as_json: bool) -> None:
    told = reasons(found)
    if as_json:
        print_json({"items": told, "nextCursor": None})
        return
    rows = [
        (reason.sid if place == 0 else "", action, reason.why if place == 0 else "", reason.when if place == 0 else "")
        for reason in told
        for place, action in enumerate(reason.actions)
    ]
    print_table(("FEATURE", "ACTION", "WHY", "WHEN"), rows)


def _check(bench: Bench, found: Sequence[Statement], *, as_json: bool) -> int:
    try:
        examination = bench.permissions.examine(found)
    except (AwsError, Limited) as error:
        raise Unavailable(f"AWS can't be asked what these credentials may do: {begun_small(str(error))}") from error
    examination = replace(examination, answers=tuple(_by_feature(examination.answers, found)))
    (print_json(_shown(examination)) if as_json else _tell(examination))
    whole = examination.how is How.ROOT or all(answer.may is May.YES for answer in examination.answers)
    return 0 if whole else 1


def _by_feature(answers: Iterable[Answer], found: Sequence[Statement]) -> Iterator[Answer]:
    """The same, each once, with the features' names for those of their statements: as `--explain` and the docs have."""
    features = {statement.sid: statement.feature.sid for statement in found}
    yield from dict.fromkeys(replace(answer, sid=features[answer.sid]) for answer in answers)


def _shown(examination: Examination) -> Item:
    return {
        "caller": examination.caller,
        "how": examination.how.name.lower(),
        "trouble": examination.trouble or None,
        "items": [
            {
                "feature": answer.sid,
                "action": answer.action,
                "resource": answer.resource,
                "may": answer.may.name.lower(),
            }
            for answer in examination.answers
        ],
        "nextCursor": None,
    }


def _tell(examination: Examination) -> None:
    lacking, unknown = examination.those(May.NO), examination.those(May.UNKNOWN)
    print(f"{examination.caller}: {examination.how}")
    if examination.trouble:
        print_line(
            "warning", f"IAM could not be asked ({examination.trouble}); allow {_ASKING} to have all of it checked"
        )
    if lacking:
        print_table(
            ("", "ACTION", "RESOURCE", "FEATURE"),
            [(answer.may.value, answer.action, answer.resource, answer.sid) for answer in lacking],
        )
        print("Let an administrator of the AWS account add these to the policy of that user or role.")
    if unknown:
        print(f"{len({answer.action for answer in unknown})} actions could not be checked.")
    if not lacking and not unknown:
        print_line("ok", "nothing is lacking")
