"""The connection of a client and the connection to the engine behind it: forwards requests and replies."""

import asyncio
import contextlib
import struct
from collections.abc import Callable

from aiohttp import ClientWebSocketResponse, WSMsgType, web

from datasources.embedded.neptune_like import bytecode, frames, responses, translate, validation
from datasources.embedded.neptune_like.errors import Refusal
from datasources.embedded.neptune_like.faults import FaultKind, FaultSampler
from datasources.embedded.neptune_like.limits import ClusterSettings
from datasources.embedded.neptune_like.recorder import RecordedRequest

NORMAL_CLOSURE = 1000
_UNSUPPORTED_DATA = 1003
_OUTCOMES: dict[FaultKind, str] = {
    "lose_request": "lost request",
    "silence": "silence",
    "lose_reply": "lost reply",
    "cut_frame": "cut frame",
    "garble": "garbled reply",
}


class Connection:
    """An accepted connection. Its requests are forwarded in order; a delayed request delays the following ones."""

    def __init__(
        self,
        request: web.Request,
        note: Callable[[RecordedRequest], None],
        draws: Callable[[], FaultSampler],
        rules: ClusterSettings,
        endpoint: str,
    ) -> None:
        self._request = request
        self._note = note
        self._draws = draws
        self._rules = rules
        self._endpoint = endpoint
        self._number = 0
        # Neptune does not compress replies; without compression, a cut frame ends at the expected place.
        self._down = web.WebSocketResponse(max_msg_size=0, compress=False)
        self._waiting: dict[str, tuple[frames.Frame, RecordedRequest, FaultKind | None]] = {}
        self._queue: asyncio.Queue[tuple[frames.Frame, bytecode.Query, RecordedRequest]] = asyncio.Queue()
        self._answered = 0
        loop = asyncio.get_running_loop()
        self._born = self._used = loop.time()

    async def run(self, up: ClientWebSocketResponse, number: int) -> web.StreamResponse:
        """Serve the connection until either side closes it; `up` is the connection to the engine, which closes too."""
        self._number = number
        async with up:
            await self._down.prepare(self._request)
            tasks = [
                asyncio.create_task(part)
                for part in (
                    self._receive(),
                    self._forward_requests(up),
                    self._forward_replies(up),
                    self._close_in_time(),
                )
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            except ConnectionError:
                self.abort()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self._down.close(code=NORMAL_CLOSURE)
        return self._down

    def abort(self) -> None:
        """Close the TCP connection without a close frame, like a host that has disappeared."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _receive(self) -> None:
        # A separate task, so that the end of a connection is noticed while a request is delayed.
        async for message in self._down:
            if message.type is not WSMsgType.BINARY:
                await self._down.close(code=_UNSUPPORTED_DATA)
                return
            self._used = asyncio.get_running_loop().time()
            try:
                frame = frames.read(message.data)
            except frames.FrameError:
                await self._down.close(code=_UNSUPPORTED_DATA)
                return
            query = bytecode.parse_query(frame.gremlin)
            request = RecordedRequest(
                frame.request_id, frame.op, self._endpoint, self._number, len(frame.data), query.instructions
            )
            self._note(request)
            self._queue.put_nowait((frame, query, request))

    async def _forward_requests(self, up: ClientWebSocketResponse) -> None:
        while True:
            await self._forward_request(up, *await self._queue.get())

    async def _forward_request(
        self, up: ClientWebSocketResponse, frame: frames.Frame, query: bytecode.Query, request: RecordedRequest
    ) -> None:
        await asyncio.sleep(self._draws().left.lag_before)
        refused = validation.check_request(
            frame, query, read_only=self._endpoint == "reader", max_request=self._rules.max_request
        )
        if refused is not None:
            await self._refuse(frame, request, refused)
            return
        mishap, code = self._draws().next_fault(writes=validation.mutates(query)) or (None, "")
        if mishap == "code":
            await self._refuse(frame, request, Refusal(code))
        elif mishap in {"lose_request", "silence"}:
            request.outcome = _OUTCOMES[mishap] if mishap else None
            if mishap == "lose_request":
                self.abort()
        else:
            self._waiting[frame.request_id] = frame, request, mishap
            await up.send_bytes(frame.for_engine(self._rules.query_timeout))

    async def _forward_replies(self, up: ClientWebSocketResponse) -> None:
        async for message in up:
            data = message.data if isinstance(message.data, bytes) else str(message.data).encode()
            reply = responses.read(data)
            waiting = self._waiting.get(reply.request_id)
            if waiting is None:
                continue
            await self._answer(reply, *waiting)
        # If the engine is gone, so is the Neptune instance.
        self.abort()

    async def _answer(
        self, reply: responses.Reply, frame: frames.Frame, request: RecordedRequest, mishap: FaultKind | None
    ) -> None:
        if not reply.is_last:
            if mishap is None:
                await self._down.send_bytes(reply.data)
            return
        del self._waiting[frame.request_id]
        await asyncio.sleep(self._draws().left.lag_after)
        if mishap is not None:
            request.outcome = _OUTCOMES[mishap]
            await self._corrupt_reply(reply.data, mishap)
        elif reply.is_failure:
            await self._refuse(frame, request, translate.translate_failure(reply))
        else:
            request.outcome = str(reply.status)
            await self._down.send_bytes(reply.data)
            await self._count()

    async def _corrupt_reply(self, data: bytes, mishap: FaultKind) -> None:
        if mishap == "garble":
            await self._down.send_bytes(data[: len(data) // 2])
            return
        transport = self._request.transport
        if mishap == "cut_frame" and transport is not None:
            # RFC 6455, 5.2: a final binary frame with a 64-bit length, followed by half of the payload.
            transport.write(b"\x82\x7f" + struct.pack(">Q", len(data)) + data[: len(data) // 2])
            # Unlike abort, close first sends what was written.
            transport.close()
        else:
            self.abort()

    async def _refuse(self, frame: frames.Frame, request: RecordedRequest, refused: Refusal) -> None:
        request.outcome = refused.code
        await self._down.send_bytes(refused.frame(frame.request_id))
        await self._count()

    async def _count(self) -> None:
        self._answered += 1
        limit = self._draws().left.close_after
        if limit is not None and self._answered >= limit:
            await self._down.close(code=NORMAL_CLOSURE)

    async def _close_in_time(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._down.closed:
            faults = self._draws().left
            due = [
                start + seconds
                for start, seconds in ((self._used, faults.idle_close), (self._born, faults.life))
                if seconds is not None
            ]
            if due and min(due) <= loop.time():
                with contextlib.suppress(ConnectionError):
                    await self._down.close(code=NORMAL_CLOSURE)
                return
            # Faults can change at any time, so the wait is short.
            await asyncio.sleep(0.02)
