"""`worker` and `indexes`: what the Procfile runs beside the web server."""

import argparse
import sys

from webhook import bootstrap
from webhook.assembling.working import work
from webhook.config import Settings


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands."""
    worker = commands.add_parser("worker", help="post, judge, follow and deliver alerts, until told to stop")
    worker.set_defaults(run=_work)
    indexes = commands.add_parser("indexes", help="make the database's collections and indexes (safe to repeat)")
    indexes.set_defaults(run=_indexes)


def _work(_arguments: argparse.Namespace) -> int:
    work(Settings.from_environment())
    return 0


def _indexes(_arguments: argparse.Namespace) -> int:
    made = bootstrap.prepare(Settings.from_environment())
    print(f"{len(made)} indexes are in place.", file=sys.stderr)
    return 0
