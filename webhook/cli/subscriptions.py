"""`subscriptions`: topics that were confirmed or unsubscribed, and the kinds of event each wiring has shown."""

import argparse

from webhook.bootstrap import open_library
from webhook.cli.table import add_json, moment, print_json, print_table
from webhook.config import Settings


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("subscriptions", help="show the topics' subscriptions, and what each wiring tells")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with open_library(Settings.from_environment()) as library:
        topics = library.wirings.subscriptions()
        shown = library.wirings.shown()
    wirings = [{"wiring": wiring, "kinds": sorted(kinds)} for wiring, kinds in shown.items()]
    if arguments.json:
        print_json({"items": topics, "wirings": wirings, "nextCursor": None})
        return 0
    if topics:
        rows = [(topic["topicArn"], topic["state"], moment(topic["at"])) for topic in topics]
        print_table(("TOPIC", "STATE", "SINCE"), rows)
    else:
        print("No subscription was confirmed here.")
    if wirings:
        told = [(row["wiring"], ", ".join(row["kinds"])) for row in wirings]
        print_table(("WIRING", "KINDS OF EVENT SHOWN"), told, "\nWho tells of what")
    return 0
