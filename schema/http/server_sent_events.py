"""Server-Sent Events as an ASGI response that ends when the client disconnects or stops reading, or the server stops.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from datasources.observability.metrics import emit_metrics
from schema.http.encoding import encode_response

EVENT_STREAM_MEDIA_TYPE = "text/event-stream"
# A comment: a heartbeat that also makes proxies send buffered data.
KEEP_ALIVE = b":\n\n"
# Browsers dispatch no event without data.
COMPLETE_EVENT = b"event: complete\ndata: \n\n"

# Seconds for which a client can stop reading.
WRITE_TIMEOUT_SECONDS = 60.0
# Seconds that a stream has to end when the server stops.
CLOSE_TIMEOUT_SECONDS = 3.0


def encode_event(body: dict[str, Any] | None, cursor: str | None, request_id: str) -> bytes:
    """Encode one response as the event `next` of the graphql-sse protocol; browsers send its cursor to reconnect.

    Without a body the result only sets the cursor and is not an event.
    """
    id_ = b"" if cursor is None else b"id: " + cursor.encode() + b"\n"
    return id_ + (b"" if body is None else b"event: next\ndata: " + encode_response(body, request_id) + b"\n") + b"\n"


class OpenStreams:
    """The open streams of this process, at most `max_streams`."""

    def __init__(self, max_streams: int) -> None:
        self.max_streams = max_streams
        self.count = 0
        self.stopping = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return self.count >= self.max_streams

    def add(self) -> None:
        """Count one more open stream."""
        self.count += 1
        emit_metrics(OpenStreams=self.count)

    def remove(self) -> None:
        """Count one open stream less."""
        self.count -= 1
        emit_metrics(OpenStreams=self.count)

    def stop_all(self) -> None:
        """End all streams within a few seconds; no new ones begin."""
        self.stopping.set()


class EventStreamResponse(Response):
    """Sends pieces as they become available. It counts as an open stream from its creation until it has ended."""

    media_type = EVENT_STREAM_MEDIA_TYPE

    def __init__(self, pieces: AsyncGenerator[bytes, None], streams: OpenStreams, headers: dict[str, str]) -> None:
        # Proxies such as nginx must not buffer the response.
        super().__init__(headers=headers | {"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._pieces = pieces
        self._streams = streams
        streams.add()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sender = asyncio.create_task(self._send(send))
        disconnect = asyncio.create_task(_wait_for_disconnect(receive))
        stop = asyncio.create_task(self._streams.stopping.wait())
        tasks = (sender, disconnect, stop)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            stopped = stop.done() and not sender.done() and not disconnect.done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._pieces.aclose()
            self._streams.remove()
        if stopped:
            # Without `complete`, so that the client reconnects with its cursor, to any server.
            with suppress(TimeoutError):
                await _send_with_timeout(send, b"", CLOSE_TIMEOUT_SECONDS, more=False)
        if not sender.cancelled() and (error := sender.exception()) is not None:
            raise error

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self._pieces:
            await _send_with_timeout(send, piece, WRITE_TIMEOUT_SECONDS, more=True)
        await _send_with_timeout(send, b"", WRITE_TIMEOUT_SECONDS, more=False)


async def _send_with_timeout(send: Send, piece: bytes, seconds: float, *, more: bool) -> None:
    async with asyncio.timeout(seconds):
        await send({"type": "http.response.body", "body": piece, "more_body": more})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
