"""`sign`: one signed SNS envelope around a payload, for curl and for tests."""

import argparse
import re
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from webhook.domain.envelope import MessageType
from webhook.domain.topics import TopicArn
from webhook.emulator.notary import SIGNATURE_VERSIONS, Notary
from webhook.emulator.stand import TOPIC_ARN
from webhook.emulator.topic import Signed, Topic
from webhook.errors import Misconfigured


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `sign`."""
    parser = commands.add_parser("sign", help="print one signed SNS envelope around a payload")
    parser.add_argument("file", nargs="?", default="-", help="the payload, byte for byte; - is standard input")
    parser.add_argument("--topic", default=TOPIC_ARN, help=f"the topic's ARN ({TOPIC_ARN})")
    parser.add_argument(
        "--type",
        choices=[kind.value for kind in MessageType],
        default=MessageType.NOTIFICATION.value,
        help="the kind of message; only a Notification carries the payload (Notification)",
    )
    parser.add_argument("--subject", help="the Subject (none)")
    parser.add_argument("--message-id", help="the MessageId (a new one)")
    parser.add_argument("--timestamp", type=_moment, help="when it was published, as 2026-01-31T12:00:00Z (now)")
    parser.add_argument("--signature-version", choices=tuple(SIGNATURE_VERSIONS), default="2", help="1 or 2 (2)")
    parser.add_argument(
        "--key-dir",
        type=Path,
        default=Path("sns-key"),
        help="keeps the key and its certificate; give it to the service as SNS_CERT_DIR (sns-key)",
    )
    parser.add_argument(
        "--cert-origin", help="an emulator that serves the certificate, in place of Amazon's own address"
    )
    parser.set_defaults(run=sign)


def sign(arguments: argparse.Namespace) -> int:
    """Print the envelope, and nothing else, on standard output."""
    at = arguments.timestamp or datetime.now(UTC)
    origin = arguments.cert_origin.rstrip("/") if arguments.cert_origin else _amazons_origin(arguments.topic)
    notary = Notary.kept_in(arguments.key_dir, datetime.now(UTC))
    topic = Topic(arguments.topic, notary, origin, arguments.signature_version)
    signed = _envelope(topic, arguments, arguments.message_id or str(uuid4()), at)
    sys.stdout.write(signed.body.decode() + "\n")
    return 0


def _envelope(topic: Topic, arguments: argparse.Namespace, message_id: str, at: datetime) -> Signed:
    kind = MessageType(arguments.type)
    if kind is not MessageType.NOTIFICATION:
        return topic.confirmation(kind, token=secrets.token_hex(64), message_id=message_id, at=at)
    return topic.notification(_payload(arguments.file), message_id=message_id, subject=arguments.subject, at=at)


def _amazons_origin(topic_arn: str) -> str:
    try:
        return f"https://{TopicArn.from_text(topic_arn).sns_host}"
    except ValueError as error:
        raise Misconfigured(f"--topic: {error}") from error


def _payload(file: str) -> str:
    """Nothing is stripped: the final newline is part of what SES publishes, and is signed."""
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode()
    except OSError as error:
        raise Misconfigured(f"{file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{file} is not UTF-8 text") from error


def _moment(text: str) -> datetime:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", text):
        raise argparse.ArgumentTypeError("expected the form 2026-01-31T12:00:00Z")
    return datetime.fromisoformat(text)
