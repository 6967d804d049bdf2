"""Posting to a running product: properly signed messages, and many bodies at once."""

import asyncio
import http.client
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.signer import CERTIFICATE_FILE, as_timestamp, body, certificate_pem, notification, rsa_key, signed

CONNECTIONS = 32
#: Where nobody listens: whoever wants another certificate than the one in the folder gets none.
NOWHERE = "http://127.0.0.1:9"


def trust(folder: Path) -> dict[str, str]:
    """Settings with which a server believes the tests' own SNS."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    pem = certificate_pem(rsa_key(), not_before=now - timedelta(days=30), not_after=now + timedelta(days=300))
    (folder / CERTIFICATE_FILE).write_bytes(pem)
    return {
        "SNS_CERT_DIR": str(folder),
        "SNS_TOPIC_ARNS": notification()["TopicArn"],
        "SNS_TRUSTED_ORIGINS": NOWHERE,
    }


def envelope(payload: dict[str, Any] | str, **fields: Any) -> bytes:
    """A genuine message of now around a payload."""
    text = payload if isinstance(payload, str) else json.dumps(payload) + "\n"
    now = {"MessageId": str(uuid4()), "Timestamp": as_timestamp(datetime.now(UTC))}
    return body(signed(notification(text, **now, SigningCertURL=f"{NOWHERE}/{CERTIFICATE_FILE}", **fields)))


def post(port: int, content: bytes, path: str = "/webhooks/sns", **headers: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, content, {"Content-Type": "text/plain; charset=UTF-8", **headers})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


def post_all(port: int, bodies: Iterable[bytes], path: str = "/webhooks/sns") -> Counter[int]:
    """How often each status was answered; every body is posted once, over a few connections that are kept open."""
    waiting = iter(bodies)
    statuses: Counter[int] = Counter()

    async def ride() -> None:
        content = next(waiting, None)
        while content is not None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            # A connection may be closed at any time; as SNS does, what was not answered is posted again.
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while content is not None:
                    head = f"POST {path} HTTP/1.1\r\nHost: sentinel\r\nContent-Length: {len(content)}\r\n\r\n"
                    writer.write(head.encode() + content)
                    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                    await reader.readexactly(int(answer.partition("content-length:")[2].split()[0]))
                    statuses[int(answer.split()[1])] += 1
                    content = next(waiting, None)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def ride_all() -> None:
        await asyncio.gather(*(ride() for _ in range(CONNECTIONS)))

    asyncio.run(ride_all())
    return statuses


def lines(server_output: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON lines of a server's log."""
    for line in server_output:
        if line.startswith("{"):
            yield json.loads(line)
