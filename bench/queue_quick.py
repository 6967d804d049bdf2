"""A queue that costs next to nothing, to measure who empties it: `python -m bench.queue_quick` prints its origin.

It speaks as much of SQS as that takes: one queue, five operations, no signatures, nothing kept.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

Answer = dict[str, Any]
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"


class Quick:
    """The queue. What is taken stays out of sight until its time is over."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, str, int]] = deque()
        self._taken: dict[str, tuple[asyncio.TimerHandle, tuple[str, str, int]]] = {}
        self._came = asyncio.Event()
        self._numbers = count()
        self._origin = ""
        self._answers: Mapping[str, Callable[[Answer], Answer]] = {
            "CreateQueue": lambda _: {"QueueUrl": f"{self._origin}/123456789012/ses-events"},
            "SendMessageBatch": self._send,
            "DeleteMessageBatch": self._delete,
            "ChangeMessageVisibilityBatch": self._hold,
            "GetQueueAttributes": self._describe,
        }

    async def serve(self) -> None:
        """Until the process is ended."""
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=2**22)
        self._origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        print(self._origin, flush=True)
        await server.serve_forever()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                asked = json.loads(await reader.readexactly(int(fields.get("content-length", 0))) or b"{}")
                name = fields.get("x-amz-target", "").partition(".")[2]
                told = await self._receive(asked) if name == "receivemessage" else self._answer(name, asked)
                body = json.dumps(told).encode()
                writer.write((HEAD % len(body)).encode() + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, lowered: str, asked: Answer) -> Answer:
        """What is none of the five operations (others ask for SES here) gets an answer without content."""
        return next((answer for name, answer in self._answers.items() if name.lower() == lowered), lambda _: {})(asked)

    async def _receive(self, asked: Answer) -> Answer:
        if not self._waiting:
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), asked.get("WaitTimeSeconds", 0))
            except TimeoutError:
                return {}
        most = min(asked.get("MaxNumberOfMessages", 1), len(self._waiting))
        return {"Messages": [self._take(self._waiting.popleft(), asked["VisibilityTimeout"]) for _ in range(most)]}

    def _take(self, message: tuple[str, str, int], seconds: float) -> Answer:
        identity, body, receives = message
        receipt = str(next(self._numbers))
        timer = asyncio.get_running_loop().call_later(seconds, self._reappear, receipt)
        self._taken[receipt] = (timer, (identity, body, receives + 1))
        attributes = {"ApproximateReceiveCount": str(receives + 1)}
        return {"MessageId": identity, "ReceiptHandle": receipt, "Body": body, "Attributes": attributes}

    def _reappear(self, receipt: str) -> None:
        self._waiting.append(self._taken.pop(receipt)[1])
        self._came.set()

    def _send(self, asked: Answer) -> Answer:
        self._waiting.extend((str(next(self._numbers)), entry["MessageBody"], 0) for entry in asked["Entries"])
        self._came.set()
        return {"Successful": [], "Failed": []}

    def _delete(self, asked: Answer) -> Answer:
        for entry in asked["Entries"]:
            if taken := self._taken.pop(entry["ReceiptHandle"], None):
                taken[0].cancel()
        return {"Successful": [], "Failed": []}

    def _hold(self, asked: Answer) -> Answer:
        loop = asyncio.get_running_loop()
        for entry in asked["Entries"]:
            receipt = entry["ReceiptHandle"]
            if taken := self._taken.get(receipt):
                taken[0].cancel()
                again = loop.call_later(entry["VisibilityTimeout"], self._reappear, receipt)
                self._taken[receipt] = (again, taken[1])
        return {"Successful": [], "Failed": []}

    def _describe(self, _asked: Answer) -> Answer:
        depths = (len(self._waiting), len(self._taken))
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return {"Attributes": {"VisibilityTimeout": "30", **{n: str(d) for n, d in zip(names, depths, strict=True)}}}


if __name__ == "__main__":
    asyncio.run(Quick().serve())
