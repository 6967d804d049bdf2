"""From the text of a setting to its value; the message of a ValueError continues the setting's name."""

import re
from collections.abc import Callable
from fractions import Fraction
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

_TOPIC_PATTERN = re.compile(
    r"arn:aws(?:-cn|-us-gov)?:sns:[a-z]{2}(?:-[a-z]+)+-\d+:\d{12}:(?:\*|[\w-]{1,256}(?:\.fifo)?)", re.ASCII
)
_QUEUE_URL = re.compile(
    r"https?://(?P<host>[a-z0-9.-]+(?::\d{1,5})?|\[[0-9a-f:]+\](?::\d{1,5})?)/\d{12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?"
)
_AMAZON_QUEUES = re.compile(r"(?:sqs|sqs-fips)\.[a-z]{2,4}(?:-[a-z]+)+-\d+\.amazonaws\.com(?:\.cn)?")
_DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,18})?|\.\d{1,18}", re.ASCII)
_WHOLE = re.compile(r"\d{1,12}", re.ASCII)
#: Characters that a key has at least.
_KEY_MIN = 32
_TOKEN_NAME = re.compile(r"[\w.@-]{1,64}", re.ASCII)


def whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def share(*, one_allowed: bool) -> Callable[[str], Fraction]:
    def parse(text: str) -> Fraction:
        if _DECIMAL.fullmatch(text):
            value = Fraction(text)
            if 0 < value < 1 or (one_allowed and value == 1):
                return value
        raise ValueError("must be a decimal between 0 and 1 (0.05 is 5 %)")

    return parse


def one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text.lower()

    return parse


def _items(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))


def topic_arns(text: str) -> tuple[str, ...]:
    if not all(_TOPIC_PATTERN.fullmatch(item) for item in _items(text)):
        raise ValueError("must list topic ARNs like arn:aws:sns:eu-north-1:123456789012:name (or :* for the name)")
    return _items(text)


def queue_urls(text: str) -> tuple[str, ...]:
    """URLs as SQS gives them; those of an emulator, which may be plain http, are of use with AWS_ENDPOINT_URL only."""
    if not all(map(_is_queue_url, _items(text))):
        raise ValueError("must list queue URLs like https://sqs.eu-north-1.amazonaws.com/123456789012/ses-events")
    return _items(text)


def _is_queue_url(text: str) -> bool:
    found = _QUEUE_URL.fullmatch(text)
    return found is not None and ("amazonaws.com" not in found["host"] or is_amazon_queue(text))


def is_amazon_queue(url: str) -> bool:
    """Whether a queue's URL is at Amazon itself."""
    host = url.removeprefix("https://").partition("/")[0]
    return url.startswith("https://") and _AMAZON_QUEUES.fullmatch(host) is not None


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(
            parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not re.search(r"\s", text)
        )
    except ValueError:
        return False


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment or "?" in text:
        raise ValueError
    return f"{parts.scheme}://{parts.netloc}".lower()


def origins(text: str) -> tuple[str, ...]:
    try:
        if all(map(_is_web_address, _items(text))):
            return tuple(map(_origin, _items(text)))
    except ValueError:
        pass
    raise ValueError("must list origins like http://127.0.0.1:4566: scheme, host and port, nothing more")


def web_address(text: str) -> str:
    if not _is_web_address(text):
        raise ValueError("must be an http:// or https:// address")
    return text.rstrip("/")


def mongodb_uri(text: str) -> str:
    if not re.fullmatch(r"mongodb(\+srv)?://\S+", text):
        raise ValueError("must begin with mongodb:// or mongodb+srv://")
    return text


def named_tokens(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [item.partition(":") for item in _items(text)]
    names = [name for name, _, _ in pairs]
    if not all(token and _TOKEN_NAME.fullmatch(name) for name, _, token in pairs) or len(set(names)) < len(names):
        raise ValueError("must list name:token pairs, each name once")
    return tuple((name, token) for name, _, token in pairs)


def aws_region(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(?:-[a-z]+)+-\d+", text):
        raise ValueError("must be an AWS region like eu-north-1")
    return text


def boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError("must be true or false")
    return text.lower() == "true"


def ses_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise ValueError("must be a name of 1 to 64 letters, digits, _ or -")
    return text


def tenant_prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", text):
        raise ValueError("must be 1 to 20 letters, digits, _ or -")
    return text


def mail_address(text: str) -> str:
    address = text.removeprefix("mailto:")
    if not re.fullmatch(r"[^\s@,;!]{1,64}@[A-Za-z0-9.-]{1,255}", address):
        raise ValueError("must be a mail address like reports@example.com")
    return address


def resolvers(text: str) -> tuple[str, ...]:
    """IP addresses, with a port if it is not 53: `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:53`."""
    if not all(map(_is_resolver, _items(text))):
        raise ValueError("must list IP addresses of DNS resolvers like 1.1.1.1 or 127.0.0.1:5353")
    return _items(text)


def _is_resolver(text: str) -> bool:
    try:
        if text.count(":") > 1 and not text.startswith("["):
            return bool(ip_address(text))
        parts = urlsplit(f"//{text}")
        return bool(parts.hostname and ip_address(parts.hostname) and parts.port != 0 and parts.netloc == text)
    except ValueError:
        return False


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(map(ip_network, _items(text)))
    except ValueError as error:
        raise ValueError("must list networks like 10.0.0.0/8 or fd00::/8, with no bit set beyond the prefix") from error


def secret_keys(text: str) -> tuple[str, ...]:
    """Keys, the newest first; each is long enough to be random."""
    if not _items(text) or any(len(key) < _KEY_MIN for key in _items(text)):
        raise ValueError(f"must be a random text of at least {_KEY_MIN} characters, or two with a comma between")
    return _items(text)


def smtp_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        bare = parts.path in {"", "/"} and not parts.query and not parts.fragment and unquote(text).isascii()
        good = parts.scheme in {"smtp", "smtps", "smtp+plain"} and parts.hostname and parts.port != 0 and bare
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be like smtp://user:password@mail.example.com:587, or smtps://, or smtp+plain://")
    return text


def folder(text: str) -> Path:
    if not Path(text).expanduser().is_dir():
        raise ValueError("must be a folder that exists")
    return path(text)


def path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def one_letter_off(name: str, known: str) -> bool:
    """Whether one letter inserted, left out or replaced, or two neighbours swapped, make the one the other."""
    if abs(len(name) - len(known)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(name, known, strict=False)) if a != b), min(len(name), len(known)))
    rest, wanted = name[start:], known[start:]
    swapped = rest[1::-1] + rest[2:]
    return wanted == swapped or rest[1:] in {wanted, wanted[1:]} or rest == wanted[1:]
