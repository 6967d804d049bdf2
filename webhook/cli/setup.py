"""`setup`: makes in AWS all that brings events here, keeps it right, and takes it away again."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from webhook.assembling.setup import open_setup
from webhook.cli import setup_plans as shown
from webhook.cli.table import add_json, print_json
from webhook.config import Settings
from webhook.domain.blueprint import (
    CLOUDFORMATION,
    CLOUDFORMATION_URL,
    DEFAULT_NAME,
    EVENTS,
    OPEN_CLICK,
    TERRAFORM,
    TERRAFORM_URL,
    Wanted,
    blueprint,
    cloudformation,
    terraform,
)
from webhook.errors import AwsError, Conflict, Invalid, Limited, Misconfigured, Unavailable
from webhook.setup import Installation, Plan, Stopped

#: Where SNS posts to, under PUBLIC_URL.
PATH = "/webhooks/sns"
WAIT = 120.0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("setup", help="make and keep in AWS what brings SES's events here")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    plan = _action(actions, "plan", "show what apply would do; changes nothing", _plan)
    apply = _action(actions, "apply", "make it so, and wait until SNS's confirmation has arrived here", _apply)
    destroy = _action(actions, "destroy", "take away what apply made, and nothing else", _destroy)
    template = _action(actions, "template", "print the same as a template", _template)
    for one in (plan, apply, template):
        one.add_argument("--queue", action="store_true", help="an SQS queue beside HTTPS")
        one.add_argument("--open-click", action="store_true", help="events of opens and clicks too")
        one.add_argument("--kms-key", metavar="ARN", help="encrypt the topic with this key")
    for one in (plan, apply):
        one.add_argument(
            "--domain", action="append", metavar="IDENTITY", help="set the default set of this one only (repeatable)"
        )
    for one in (plan, apply, destroy):
        one.add_argument(
            "--region", action="append", metavar="REGION", help="AWS_SDK_REGION, if not given (repeatable)"
        )
    for one in (apply, destroy):
        one.add_argument("--yes", action="store_true", help="do it without asking")
    apply.add_argument("--wait", type=float, default=WAIT, metavar="SECONDS", help=f"for the confirmation ({WAIT:g})")
    template.add_argument("--format", choices=("cloudformation", "terraform"), default="cloudformation")


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    told: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=told)
    parser.add_argument("--name", default=DEFAULT_NAME, help=f"begins all names in AWS ({DEFAULT_NAME})")
    add_json(parser)
    parser.set_defaults(run=run)
    return parser


def _plan(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    with _opened(settings, _wanted(arguments, settings), arguments) as setup:
        plans = setup.plan(arguments.domain)
    if arguments.json:
        print_json(shown.document(plans, settings))
    else:
        shown.show(plans, settings)
    return 1 if any(plan.obstacles for plan in plans) else 0


def _apply(arguments: argparse.Namespace) -> int:
    _require_somebody(arguments)
    settings = Settings.from_environment()
    with _opened(settings, _wanted(arguments, settings), arguments) as setup:
        plans = setup.plan(arguments.domain)
        if not arguments.json:
            shown.show(plans, settings)
        _require_no_obstacle(plans)
        if any(plan.changes for plan in plans):
            _require_consent(arguments)
            setup.apply(plans)
        states = setup.wait(plans, arguments.wait)
    if arguments.json:
        confirmations = [shown.confirmation(state) for state in states]
        print_json({**shown.document(plans, settings), "subscriptions": confirmations})
    else:
        shown.show_confirmations(states)
    return 0 if all(state.arrived for state in states) else 1


def _destroy(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    endpoint = f"{settings.public_url.rstrip('/')}{PATH}" if settings.public_url else ""
    with _given():
        configuration_set = settings.ses_configuration_set or arguments.name
        wanted = Wanted(name=arguments.name, configuration_set=configuration_set, endpoint=endpoint)
    with _opened(settings, wanted, arguments) as setup:
        plans = setup.demolition()
        if not arguments.json:
            shown.show(plans, None)
        if any(plan.changes for plan in plans):
            _require_consent(arguments)
            setup.apply(plans)
    if arguments.json:
        print_json(shown.document(plans, None))
    return 0


def _template(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    url = settings.public_url.rstrip("/") if settings.public_url else None
    if arguments.format == "terraform":
        wanted = _wanted(arguments, settings, TERRAFORM_URL)
        text = terraform(blueprint(TERRAFORM, wanted), url)
        print(json.dumps({"terraform": text}) if arguments.json else text, end="\n" if arguments.json else "")
        return 0
    wanted = _wanted(arguments, settings, CLOUDFORMATION_URL)
    print_json(cloudformation(blueprint(CLOUDFORMATION, wanted), url))
    return 0


def _wanted(arguments: argparse.Namespace, settings: Settings, url: str | None = None) -> Wanted:
    endpoint = (url or _public_url(settings)) + PATH
    with _given():
        return Wanted(
            name=arguments.name,
            configuration_set=settings.ses_configuration_set or arguments.name,
            endpoint=endpoint,
            events=EVENTS + (OPEN_CLICK if arguments.open_click else ()),
            queue=arguments.queue,
            kms_key=arguments.kms_key,
        )


@contextmanager
def _given() -> Iterator[None]:
    """What is wrong with an argument, told as such."""
    try:
        yield
    except Invalid as error:
        raise argparse.ArgumentError(None, f"--{error.field} {error.detail}") from error


def _public_url(settings: Settings) -> str:
    if not settings.public_url:
        raise Misconfigured("PUBLIC_URL is not set: set it in .env to the https address that SNS is to post to")
    if settings.public_url.startswith("http://"):
        _tell("warning: PUBLIC_URL is http, so that what SNS sends can be read on its way: better use https")
    return settings.public_url.rstrip("/")


@contextmanager
def _opened(settings: Settings, wanted: Wanted, arguments: argparse.Namespace) -> Iterator[Installation]:
    """The set-up, with what AWS has against it told as other errors of commands are."""
    try:
        with open_setup(settings, wanted, arguments.region or (), _tell) as setup:
            yield setup
    except (AwsError, Limited, Stopped) as error:
        raise Unavailable(str(error)) from error


def _require_no_obstacle(plans: Sequence[Plan]) -> None:
    for plan in plans:
        for step in plan.obstacles:
            what = f"The {step.resource.title} {step.resource.name} in {plan.place.region} is {step.why}."
            raise Conflict(f"{what} Nothing was changed.")


def _require_somebody(arguments: argparse.Namespace) -> None:
    """Returns if it may be done without asking, or there is somebody to ask."""
    if not arguments.yes and not sys.stdin.isatty():
        raise Misconfigured("There is no terminal to ask on: give --yes to do it.")


def _require_consent(arguments: argparse.Namespace) -> None:
    """Returns if somebody wants it."""
    if arguments.yes:
        return
    _require_somebody(arguments)
    _tell("Do this? [y/N] ", end="")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Conflict("Nothing was changed.")


def _tell(line: str, end: str = "\n") -> None:
    """Progress goes where it is in nobody's way."""
    print(line, file=sys.stderr, end=end, flush=True)
