"""`domains diagnose`: what is right and wrong with a domain's DNS, and what to change."""

import argparse

from webhook.bootstrap import open_platform
from webhook.cli.table import add_json, print_json, print_line, print_table
from webhook.config import Settings
from webhook.errors import Invalid
from webhook.paging import Item


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `diagnose` to the actions of `domains`."""
    parser = actions.add_parser("diagnose", help="find what is wrong with a domain's DNS, and how to mend it")
    parser.add_argument("domain", metavar="DOMAIN")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Diagnoses `arguments.domain`; 0 only if all that SES needs is right."""
    with open_platform(Settings.from_environment()) as platform:
        try:
            told = platform.consultation.consult(arguments.domain)
        except Invalid as error:
            raise argparse.ArgumentError(None, f"DOMAIN {error.detail}: {error.hint}") from error
    return show(told, as_json=arguments.json)


def show(told: Item, *, as_json: bool) -> int:
    """Prints a diagnosis by name; gives the exit code."""
    if as_json:
        print_json(told)
    else:
        _print(told)
    return 0 if told["ok"] else 1


def _print(told: Item) -> None:
    records = told["records"]
    if not told["known"]:
        print_line("note", f"{told['domain']} is not in the database: only its SPF and DMARC records are looked at.")
    rows = [(one["status"], one["type"], one["name"], one["observed"] or "-") for one in records]
    print_table(("STATUS", "TYPE", "NAME", "FOUND"), rows)
    for one in records:
        if one["advice"] and one["status"] != "optional":
            code = f" ({one['mistake']})" if one["mistake"] else ""
            print()
            print_line(one["status"], f"{one['type']} {one['name']}{code}")
            print_line(" ", one["advice"])
    print()
    print(_summary(told))


def _summary(told: Item) -> str:
    if told["ok"]:
        return f"{told['domain']}: all that SES needs is right."
    if not told["known"]:
        return f"{told['domain']}: what SES needs is not known."
    return f"{told['domain']}: not all that SES needs is right yet."
