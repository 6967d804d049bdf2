"""`domains pause` and `domains resume`: stop a domain from sending, and let it send again."""

import argparse
import getpass

from webhook.bootstrap import open_platform
from webhook.cli.table import add_json, moment, print_json, print_line
from webhook.config import Settings
from webhook.errors import Invalid
from webhook.paging import Item


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `pause` and `resume` to the actions of `domains`."""
    for name, told in (("pause", "stop a domain from sending"), ("resume", "let it send again, judged afresh")):
        parser = actions.add_parser(name, help=told)
        parser.add_argument("domain", metavar="DOMAIN")
        parser.add_argument("--why", required=True, metavar="TEXT", help="kept in the audit trail, with who did it")
        add_json(parser)
        parser.set_defaults(run=run, action=name)


def run(arguments: argparse.Namespace) -> int:
    """Does what `arguments.action` says: `pause` or `resume`."""
    with open_platform(Settings.from_environment()) as platform:
        change = platform.pauser.pause if arguments.action == "pause" else platform.pauser.resume
        try:
            document = change(arguments.domain, operator(), arguments.why)
        except Invalid as error:
            raise argparse.ArgumentError(None, f"--{error.field} {error.detail}") from error
    told = {name: document.get(name) for name in ("domain", "paused", "freshStart")}
    (print_json if arguments.json else _tell)(told)
    return 0


def operator() -> str:
    """Who runs commands on this machine, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError, ImportError):  # a user without a name, as in many containers
        return "cli"


def _tell(told: Item) -> None:
    paused = told["paused"]
    if paused:
        print_line("paused", f"{told['domain']}, by {paused['who']}: {paused['why']}")
        return
    since = told["freshStart"]
    judged = f", judged by what comes since {moment(since['at'])}" if since else ""
    print_line("not paused", f"{told['domain']}{judged}")
