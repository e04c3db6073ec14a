"""The load: a fixed number of equal requests over some connections, each of which waits for its answer."""

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial


class AnswerFailed(Exception):
    """An answer had another status than 200, an error, or did not come. The message has its beginning."""


@dataclass(slots=True)
class Load:
    """The answers to a fixed number of requests: wall-clock seconds, and milliseconds of each from sending to end."""

    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """An HTTP/1.1 connection that sends the same request again when its answer is complete.

    It reads only what a measurement needs: the status, and where a body ends. A client of full features costs more CPU
    per request than the fastest contender.
    """

    def __init__(self, request: bytes, load: Load, remaining: list[int], done: asyncio.Future[None]) -> None:
        self._request = request
        self._load = load
        self._remaining = remaining
        self._done = done
        self._received = bytearray()
        self._expected = -1
        self._begin = 0.0
        self._error: AnswerFailed | None = AnswerFailed("the server closed the connection before its answer")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; a server that closes before the answer fails the measurement."""
        if self._error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(self._error)

    def data_received(self, data: bytes) -> None:
        """Count an answer that is complete, and send again."""
        self._received += data
        if self._expected == -1 and not self._read_head():
            return
        chunked = self._expected == -2
        if not (self._received.endswith(b"\r\n0\r\n\r\n") if chunked else len(self._received) >= self._expected):
            return
        if not self._received.startswith(b"HTTP/1.1 200") or b'"errors":' in self._received:
            self._remaining[0] = 0
            self._end(AnswerFailed(bytes(self._received[:600]).decode(errors="replace")))
            return
        self._load.latencies_ms.append((time.perf_counter() - self._begin) * 1_000)
        self._send()

    def _send(self) -> None:
        if self._remaining[0] == 0:
            self._end(None)
            return
        self._remaining[0] -= 1
        self._received.clear()
        self._expected = -1
        self._begin = time.perf_counter()
        self._transport.write(self._request)

    def _end(self, error: AnswerFailed | None) -> None:
        self._error = error
        self._transport.close()

    def _read_head(self) -> bool:
        """Set the length of the whole answer, or -2 for chunks; return whether the head is complete."""
        end = self._received.find(b"\r\n\r\n")
        if end == -1:
            return False
        self._expected = -2
        for line in bytes(self._received[:end]).lower().split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name == b"content-length":
                self._expected = end + 4 + int(value)
        return True


async def send_requests(port: int, body: bytes, requests: int, connections: int) -> Load:
    """Send `requests` equal requests to a server on loopback and wait for every answer.

    AnswerFailed if one is not an answer without errors.
    """
    head = (
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"accept: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    load, remaining, loop = Load(), [requests], asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(min(connections, requests))]
    begin = time.perf_counter()
    for end in ends:
        create = partial(Connection, head.encode() + body, load, remaining, end)
        await loop.create_connection(create, "127.0.0.1", port)
    # All connections close before a failure is raised.
    ended = await asyncio.gather(*ends, return_exceptions=True)
    load.seconds = time.perf_counter() - begin
    for failure in ended:
        if failure is not None:
            raise failure
    return load
