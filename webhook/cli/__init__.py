"""The command line: one module for each group of commands, loaded when one of its commands is called."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from webhook import __version__, logs
from webhook.errors import Conflict, Misconfigured, NotFound, Unavailable

#: Every command, and the module that registers it.
COMMANDS = {
    "serve": "serve",
    "worker": "work",
    "indexes": "work",
    "domains": "domains",
    "alerts": "alerts",
    "events": "events",
    "mails": "events",
    "quarantine": "quarantine",
    "subscriptions": "subscriptions",
    "suppressions": "suppressions",
    "tokens": "tokens",
    "check": "check",
    "setup": "setup",
    "doctor": "doctor",
    "gaps": "gaps",
    "account": "account",
    "costs": "costs",
    "policy": "policy",
    "rebuild": "rebuild",
    "emulate": "emulate",
    "demo-feed": "emulate",
    "sign": "sign",
}

#: What can be done with a domain, beside showing it.
DOMAIN_ACTIONS = frozenset({"show", "diagnose", "pause", "resume"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. 0 only if it did what was asked; what went wrong is one plain line on standard error."""
    given = _completed(list(sys.argv[1:] if arguments is None else arguments))
    parser = parser_of(COMMANDS[given[0]]) if given and given[0] in COMMANDS else parser_of(*COMMANDS.values())
    asked = parser.parse_args(given)
    logs.configure_for_command()
    try:
        code: int = asked.run(asked)
        sys.stdout.flush()
    except argparse.ArgumentError as error:
        parser.error(str(error))
    except (Misconfigured, Unavailable, NotFound, Conflict) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read it has seen enough. The buffer must go somewhere, or Python complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _completed(given: list[str]) -> list[str]:
    """`domains example.com` is short for `domains show example.com`; no action has a dot in its name."""
    rest = given[1:]
    if given[:1] == ["domains"] and not DOMAIN_ACTIONS.intersection(rest) and any(map(_is_domain, rest)):
        return ["domains", "show", *rest]
    return given


def _is_domain(argument: str) -> bool:
    return "." in argument and not argument.startswith("-")


def parser_of(*modules: str) -> argparse.ArgumentParser:
    """The parser of the commands of these modules; others need not be loaded."""
    parser = argparse.ArgumentParser(prog="python -m webhook", description="SES Sentinel's command line.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in dict.fromkeys(modules):
        import_module(f"webhook.cli.{module}").register(commands)
    return parser
