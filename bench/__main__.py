"""`python -m bench COMMAND`: every command is a module of this package with a `register` function."""

import argparse
import signal
import sys

from bench import alerts, chaos, ingest, queue
from bench.errors import BenchError

COMMANDS = (ingest, chaos, alerts, queue)


def main() -> int:
    """Run the command named on the command line; 0 only if it did what was asked."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.register(commands)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server outlives its benchmark
    try:
        return int(arguments.run(arguments))
    except BenchError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
