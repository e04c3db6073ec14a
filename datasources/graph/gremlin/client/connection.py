"""One web socket to an engine: always read from, one traversal at a time, given up once out of step."""

import asyncio
import random
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSCloseCode, WSMessage, WSMsgType
from aiohttp.http_websocket import WebSocketError

from datasources.graph.gremlin.client.errors import Answered, GraphProblem, Lost, TooLarge, Unreadable
from datasources.graph.gremlin.client.graphson import read_frame

AGE_JITTER = 0.1
# A polite end of a web socket is waited for so long, in seconds.
FAREWELL = 0.5
LAST_WORD = 0.1


class WebSocket(ClientWebSocketResponse[Any]):
    """aiohttp's, which ends without waiting for anybody."""

    def drop(self) -> None:
        """End the connection at once, whatever is still to be sent: a silent peer would hold it for minutes."""
        connection = self._response.connection
        if connection and connection.transport:
            connection.transport.abort()
        self._response.close()


class Socket:
    """Belongs to the client's loop. `address` is where it leads, `era` what its endpoint was when it was opened.

    A task of its own reads for as long as it lives: an end that the engine sends to an idle socket would else stay
    unread, and the next traversal would seem to be sent.
    """

    def __init__(
        self,
        session: ClientSession,
        web_socket: WebSocket,
        *,
        address: str,
        era: int,
        max_age: float,
        message_bytes: int,
        ended: Callable[["Socket"], None],
    ) -> None:
        self.address = address
        self.era = era
        # Set by the endpoint once nobody is to use it again.
        self.gone = False
        self._session = session
        self._web_socket = web_socket
        self._message_bytes = message_bytes
        self._ended = ended
        # Sockets that were opened together are not to end together.
        self._ends_at = time.monotonic() + max_age * random.uniform(1 - AGE_JITTER, 1 + AGE_JITTER)  # noqa: S311
        self._problem: GraphProblem | None = None
        self._answer: _Answer | None = None
        self._pong: asyncio.Future[None] | None = None
        self.rest()
        loop = asyncio.get_running_loop()
        # Without the context of the traversal that happened to open it.
        self._reading = loop.create_task(self._read(), context=Context())

    @property
    def usable(self) -> bool:
        """Open as far as is known, in step, and not too old."""
        return self._problem is None and self._answer is None and time.monotonic() < self._ends_at

    def rest(self) -> None:
        """From now on it is idle."""
        self._idle_since = time.monotonic(), time.time()

    @property
    def idle_seconds(self) -> float:
        """By the clock that counts longest: some stand still while a machine is frozen."""
        steady, wall = self._idle_since
        return max(time.monotonic() - steady, time.time() - wall)

    async def answers(self, within: float) -> bool:
        """Whether the other end answers a ping in so many seconds."""
        self._pong = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within):
                await self._web_socket.ping()
                await self._pong
        except (TimeoutError, ClientError, ConnectionError, GraphProblem):
            return False
        finally:
            self._pong = None
        return self.usable

    async def ask(self, traversal_id: str, frame: bytes, received: Callable[[int], None]) -> list[Any]:
        """All rows of the answer. Raises Lost, TooLarge, Unreadable, or Answered, after which alone it is in step.

        `received` is told the length of each message of the answer.
        """
        if self._problem:
            raise self._problem
        answer = self._answer = _Answer(traversal_id, received)
        try:
            await self._web_socket.send_bytes(frame)
        except (ClientError, ConnectionError) as error:
            # Why it ended may still be on its way in: the engine's last word says more than a broken pipe.
            await asyncio.wait([self._reading], timeout=LAST_WORD)
            raise self._problem or Lost(f"the web socket ended while a traversal was sent: {error}") from error
        try:
            rows = await answer.done
        except Answered:
            self._answer = None
            raise
        self._answer = None
        return rows

    async def close(self, *, politely: bool = False) -> None:
        """End it; politely, where nothing is under way, by telling the engine so."""
        self._problem = self._problem or Lost("the web socket was closed here")
        self._reading.cancel()
        await asyncio.wait([self._reading])
        try:
            if politely:
                async with asyncio.timeout(FAREWELL):
                    await self._web_socket.close()
        except TimeoutError:
            pass
        finally:
            self._web_socket.drop()
            await self._session.close()

    async def _read(self) -> None:
        try:
            while self._problem is None:
                message = await self._web_socket.receive()
                if message.type is WSMsgType.BINARY or message.type is WSMsgType.TEXT:
                    self._take(message.data)
                elif message.type is WSMsgType.PING:
                    await self._web_socket.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    if self._pong and not self._pong.done():
                        self._pong.set_result(None)
                else:
                    raise self._end(message)
        except GraphProblem as problem:
            self._fail(problem)
        except (ClientError, ConnectionError) as error:
            self._fail(Lost(f"the web socket ended: {error}"))
        finally:
            if self._problem is None:
                # Whatever ended this task: nobody may wait on a socket that is not read.
                self._fail(Lost("the web socket is read no longer"))

    def _take(self, data: bytes) -> None:
        if self._answer is None:
            raise Lost("the graph sent an answer that nobody asked for")
        self._answer.take(data)

    def _end(self, message: WSMessage) -> GraphProblem:
        """What the last message of a web socket means."""
        if message.type is WSMsgType.ERROR:
            error = message.data
            if isinstance(error, WebSocketError) and error.code == WSCloseCode.MESSAGE_TOO_BIG:
                return TooLarge(
                    f"the answer has a message of more than GRAPH_MESSAGE_BYTES ({self._message_bytes}): "
                    "ask for less, or raise it"
                )
            if isinstance(error, WebSocketError):
                return Unreadable(f"the graph broke the protocol of web sockets: {error}")
            return Lost(f"the web socket ended: {error}")
        if message.data == WSCloseCode.MESSAGE_TOO_BIG:
            return TooLarge("the graph takes no message of this length: send the traversal in smaller parts")
        told = f" ({message.data} {message.extra or ''})".rstrip() if message.type is WSMsgType.CLOSE else ""
        return Lost(f"the graph closed the web socket{told}")

    def _fail(self, problem: GraphProblem) -> None:
        self._problem = problem
        for waiting in (self._answer and self._answer.done, self._pong):
            if waiting and not waiting.done():
                waiting.set_exception(problem)
        self._ended(self)


class _Answer:
    """The rows of one traversal, as they come in."""

    def __init__(self, traversal_id: str, received: Callable[[int], None]) -> None:
        self.done: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        # Nobody may be left to hear of an error: the asker was cancelled.
        self.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._traversal_id = traversal_id
        self._received = received
        self._rows: list[Any] = []

    def take(self, data: bytes) -> None:
        self._received(len(data))
        frame = read_frame(data)
        if frame.request_id != self._traversal_id and not (frame.request_id is None and frame.error):
            raise Lost("the graph sent the answer of another traversal")
        self._rows += frame.rows
        if frame.last and not self.done.done():
            if frame.error:
                self.done.set_exception(frame.error)
            else:
                self.done.set_result(self._rows)
