"""The commands that mend: of the set-up, for the region that was looked at, and of a shell, for many names."""

import shlex
from collections.abc import Sequence

from webhook.domain.wiring.seen import Seen

#: Names that one loop is written for; with more, whoever runs it looks again afterwards.
MOST = 20


def setup(seen: Seen, action: str = "apply") -> str:
    """`python -m webhook setup ACTION`, with the region unless the settings say it."""
    region = seen.place.region
    return f"python -m webhook setup {action}" + ("" if region == seen.scope.home else f" --region {region}")


def for_each(word: str, values: Sequence[str], command: str) -> str:
    """A command with `$word` in it, for one value as it is, for several as a loop of the shell: it can be pasted."""
    if len(values) == 1:
        return command.replace(f"${word}", shlex.quote(values[0]))
    inside = command.replace(f"${word}", f'"${word}"')
    return f"for {word} in {' '.join(map(shlex.quote, values))}; do {inside}; done"


def for_identities(names: Sequence[str], command: str) -> str:
    """A command with `$name` in it for these identities, no faster than SES takes it."""
    if len(names) == 1:
        return for_each("name", names, command)
    loop = for_each("name", names[:MOST], f"{command}; sleep 1")
    rest = len(names) - MOST
    return f"{loop}; then look again for the other {rest:,}" if rest > 0 else loop
