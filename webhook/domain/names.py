"""Names of domains: what one is made of, and which lies within which."""

from collections.abc import Iterator

from msgspec import Struct


class DomainName(Struct, frozen=True):
    """A domain that somebody may own: in lower case and punycode, without a trailing dot.

    `registrable` is the part that was registered (`example.co.uk` of `mail.example.co.uk`), `unicode` is for people.
    """

    name: str
    registrable: str
    unicode: str


def is_within(name: str, parent: str) -> bool:
    """Whether `name` is a sub-domain of `parent`, and not `parent` itself."""
    return name.endswith(f".{parent}")


def parents(name: DomainName) -> Iterator[str]:
    """The domains above, the nearest first, up to the registrable one."""
    above = name.name
    while above != name.registrable:
        above = above.partition(".")[2]
        yield above
