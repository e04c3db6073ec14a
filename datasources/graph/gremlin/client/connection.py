"""One web socket to an engine: a reader task, one traversal at a time, discarded after a protocol error."""

import asyncio
import random
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSCloseCode, WSMessage, WSMsgType
from aiohttp.http_websocket import WebSocketError

from datasources.graph.gremlin.client.errors import (
    ConnectionLost,
    EngineError,
    GraphProblem,
    InvalidResponse,
    MessageTooLarge,
)
from datasources.graph.gremlin.client.graphson import read_frame

AGE_JITTER = 0.1
# The maximum wait for the closing handshake of a web socket, in seconds.
CLOSE_TIMEOUT_SECONDS = 0.5
CLOSE_FRAME_WAIT_SECONDS = 0.1


class WebSocket(ClientWebSocketResponse[Any]):
    """The web socket of aiohttp, with an abort that does not wait for the peer."""

    def abort(self) -> None:
        """Close the connection immediately and drop unsent data: an unresponsive peer would hold it for minutes."""
        connection = self._response.connection
        if connection and connection.transport:
            connection.transport.abort()
        self._response.close()


class Connection:
    """A connection on the client's event loop, to `address`. `generation` is that of its pool when it was opened.

    A reader task runs for the lifetime of the connection. Without it, a close frame from the engine would stay unread
    on an idle connection, and the next traversal would be sent into a closed one.
    """

    def __init__(
        self,
        session: ClientSession,
        web_socket: WebSocket,
        *,
        address: str,
        generation: int,
        max_age: float,
        message_bytes: int,
        on_end: Callable[["Connection"], None],
    ) -> None:
        self.address = address
        self.generation = generation
        # Set by the pool when the connection must not be reused.
        self.is_discarded = False
        self._session = session
        self._web_socket = web_socket
        self._message_bytes = message_bytes
        self._ended = on_end
        # Jitter: connections that were opened together must not expire together.
        self._ends_at = time.monotonic() + max_age * random.uniform(1 - AGE_JITTER, 1 + AGE_JITTER)  # noqa: S311
        self._problem: GraphProblem | None = None
        self._answer: _PendingRows | None = None
        self._pong: asyncio.Future[None] | None = None
        self.mark_idle()
        loop = asyncio.get_running_loop()
        # An empty context: the task must not inherit that of the traversal that opened the connection.
        self._reading = loop.create_task(self._read(), context=Context())

    @property
    def is_usable(self) -> bool:
        """Whether it has no known problem, no pending request, and has not reached its maximum age."""
        return self._problem is None and self._answer is None and time.monotonic() < self._ends_at

    def mark_idle(self) -> None:
        """Record the start of an idle period."""
        self._idle_since = time.monotonic(), time.time()

    @property
    def idle_seconds(self) -> float:
        """The idle time by the clock that advanced most: some clocks stop while a machine is suspended."""
        steady, wall = self._idle_since
        return max(time.monotonic() - steady, time.time() - wall)

    async def is_responsive(self, within: float) -> bool:
        """Return whether the peer answers a ping within `within` seconds."""
        self._pong = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within):
                await self._web_socket.ping()
                await self._pong
        except (TimeoutError, ClientError, ConnectionError, GraphProblem):
            return False
        finally:
            self._pong = None
        return self.is_usable

    async def submit(self, traversal_id: str, frame: bytes, received: Callable[[int], None]) -> list[Any]:
        """Send a traversal and return all its rows. `received` is called with the length of each response message.

        Raises ConnectionLost, MessageTooLarge, InvalidResponse or EngineError. The connection stays usable only after
        an answer or an EngineError.
        """
        if self._problem:
            raise self._problem
        answer = self._answer = _PendingRows(traversal_id, received)
        try:
            await self._web_socket.send_bytes(frame)
        except (ClientError, ConnectionError) as error:
            # A close frame with the reason may still be on its way; it says more than a broken pipe.
            await asyncio.wait([self._reading], timeout=CLOSE_FRAME_WAIT_SECONDS)
            raise self._problem or ConnectionLost(
                f"the web socket ended while a traversal was sent: {error}"
            ) from error
        try:
            rows = await answer.done
        except EngineError:
            self._answer = None
            raise
        self._answer = None
        return rows

    async def close(self, *, politely: bool = False) -> None:
        """Close the connection; with `politely`, and no request under way, by the closing handshake."""
        self._problem = self._problem or ConnectionLost("the web socket was closed here")
        self._reading.cancel()
        await asyncio.wait([self._reading])
        try:
            if politely:
                async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                    await self._web_socket.close()
        except TimeoutError:
            pass
        finally:
            self._web_socket.abort()
            await self._session.close()

    async def _read(self) -> None:
        try:
            while self._problem is None:
                message = await self._web_socket.receive()
                if message.type is WSMsgType.BINARY or message.type is WSMsgType.TEXT:
                    self._receive(message.data)
                elif message.type is WSMsgType.PING:
                    await self._web_socket.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    if self._pong and not self._pong.done():
                        self._pong.set_result(None)
                else:
                    raise self._to_problem(message)
        except GraphProblem as problem:
            self._fail(problem)
        except (ClientError, ConnectionError) as error:
            self._fail(ConnectionLost(f"the web socket ended: {error}"))
        finally:
            if self._problem is None:
                # Whatever ended this task: no request may wait on a connection without a reader.
                self._fail(ConnectionLost("the reader of the web socket has ended"))

    def _receive(self, data: bytes) -> None:
        if self._answer is None:
            raise ConnectionLost("the graph sent an answer without a request")
        self._answer.feed(data)

    def _to_problem(self, message: WSMessage) -> GraphProblem:
        """Map the last message of a web socket to a problem."""
        if message.type is WSMsgType.ERROR:
            error = message.data
            if isinstance(error, WebSocketError) and error.code == WSCloseCode.MESSAGE_TOO_BIG:
                return MessageTooLarge(
                    f"the answer has a message of more than GRAPH_MESSAGE_BYTES ({self._message_bytes}): "
                    "request less, or raise the limit"
                )
            if isinstance(error, WebSocketError):
                return InvalidResponse(f"the graph violated the WebSocket protocol: {error}")
            return ConnectionLost(f"the web socket ended: {error}")
        if message.data == WSCloseCode.MESSAGE_TOO_BIG:
            return MessageTooLarge("the graph takes no message of this length: send the traversal in smaller parts")
        reason = f" ({message.data} {message.extra or ''})".rstrip() if message.type is WSMsgType.CLOSE else ""
        return ConnectionLost(f"the graph closed the web socket{reason}")

    def _fail(self, problem: GraphProblem) -> None:
        self._problem = problem
        for waiting in (self._answer and self._answer.done, self._pong):
            if waiting and not waiting.done():
                waiting.set_exception(problem)
        self._ended(self)


class _PendingRows:
    """The rows of one traversal, collected as they arrive."""

    def __init__(self, traversal_id: str, received: Callable[[int], None]) -> None:
        self.done: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        # Retrieve the exception, or asyncio logs it as never retrieved when the waiting task was cancelled.
        self.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._traversal_id = traversal_id
        self._received = received
        self._rows: list[Any] = []

    def feed(self, data: bytes) -> None:
        self._received(len(data))
        frame = read_frame(data)
        if frame.request_id != self._traversal_id and not (frame.request_id is None and frame.error):
            raise ConnectionLost("the graph sent the answer of another traversal")
        self._rows += frame.rows
        if frame.last and not self.done.done():
            if frame.error:
                self.done.set_exception(frame.error)
            else:
                self.done.set_result(self._rows)
