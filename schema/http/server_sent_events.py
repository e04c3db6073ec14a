"""Server-Sent Events as an ASGI response that ends when its reader leaves, does not read, or the server stops.

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
# A comment: says that we live, and makes proxies send what they hold.
KEEP_ALIVE = b":\n\n"
# Browsers dispatch no event without data.
COMPLETE_EVENT = b"event: complete\ndata: \n\n"

# Seconds that a reader may take nothing, and that a stream has to end once the server stops.
WRITE_TIMEOUT_SECONDS, CLOSE_TIMEOUT_SECONDS = 60.0, 3.0


def encode_event(body: dict[str, Any] | None, cursor: str | None, request_id: str) -> bytes:
    """One response as the event `next` of the graphql-sse protocol; browsers send its cursor when they come back.

    Without a body it only tells them the cursor, which is no event.
    """
    id_ = b"" if cursor is None else b"id: " + cursor.encode() + b"\n"
    return id_ + (b"" if body is None else b"event: next\ndata: " + encode_response(body, request_id) + b"\n") + b"\n"


class OpenStreams:
    """The streams that this process keeps open, `most` at a time."""

    def __init__(self, max_streams: int) -> None:
        self.max_streams = max_streams
        self.count = 0
        self.stopping = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return self.count >= self.max_streams

    def add(self) -> None:
        """One more is open."""
        self.count += 1
        emit_metrics(OpenStreams=self.count)

    def remove(self) -> None:
        """One has ended."""
        self.count -= 1
        emit_metrics(OpenStreams=self.count)

    def stop_all(self) -> None:
        """End them all, within a few seconds and for good."""
        self.stopping.set()


class EventStreamResponse(Response):
    """Sends pieces as they come. It has its place among the open streams from now until it was sent."""

    media_type = EVENT_STREAM_MEDIA_TYPE

    def __init__(self, pieces: AsyncGenerator[bytes, None], streams: OpenStreams, headers: dict[str, str]) -> None:
        # Proxies such as nginx must not wait for more.
        super().__init__(headers=headers | {"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._pieces = pieces
        self._streams = streams
        streams.add()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_wait_for_disconnect(receive))
        ending = asyncio.create_task(self._streams.stopping.wait())
        tasks = (sending, leaving, ending)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            stopped = ending.done() and not sending.done() and not leaving.done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._pieces.aclose()
            self._streams.remove()
        if stopped:
            # Without `complete`, so that the client comes back with its cursor to whoever serves then.
            with suppress(TimeoutError):
                await _send_with_timeout(send, b"", CLOSE_TIMEOUT_SECONDS, more=False)
        if not sending.cancelled() and (error := sending.exception()) is not None:
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
