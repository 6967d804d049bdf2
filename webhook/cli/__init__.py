"""The command line: one module for each group of commands."""

import argparse
import sys
from collections.abc import Sequence

from webhook import __version__
from webhook.cli import work
from webhook.errors import Conflict, Misconfigured, NotFound, Unavailable

_COMMANDS = (work,)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. 0 only if it did what was asked; what went wrong is one plain line on standard error."""
    parser = argparse.ArgumentParser(prog="python -m webhook", description="SES Sentinel's command line.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        module.register(commands)
    asked = parser.parse_args(arguments)
    try:
        code: int = asked.run(asked)
    except (Misconfigured, Unavailable, NotFound, Conflict) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    return code
