"""A client made of gremlinpython's serializers and one plain web socket: what it receives is what the double sent."""

import json
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from gremlin_python.driver.request import RequestMessage
from gremlin_python.driver.serializer import GraphSONSerializersV3d0
from gremlin_python.process.graph_traversal import GraphTraversalSource
from gremlin_python.process.traversal import TraversalStrategies
from gremlin_python.structure.graph import Graph

g = GraphTraversalSource(Graph(), TraversalStrategies())
PARTIAL = 206
ABNORMAL = 1006


@dataclass(frozen=True)
class Answer:
    """`code` is Neptune's, from the JSON in the message; None for a success."""

    status: int
    code: str | None
    details: str
    data: list[Any]
    frames: int = 1


class ClosedError(Exception):
    """The socket ended; `code` is 1006 when it ended without a close frame."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Client:
    """One socket. `ask` sends a traversal and waits for its answer."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self.headers = headers or {}
        self.serializer = GraphSONSerializersV3d0()
        self.socket: ClientWebSocketResponse

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(ClientSession())
            connect = session.ws_connect(self.url, headers=self.headers, max_msg_size=0)
            self.socket = await stack.enter_async_context(connect)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def send(
        self, gremlin: Any, op: str = "bytecode", processor: str = "traversal", identity: str = "", **more: Any
    ) -> str:
        """Send a request; its id."""
        identity = identity or str(uuid.uuid4())
        bytecode = gremlin if isinstance(gremlin, str) else gremlin.bytecode
        arguments = {"gremlin": bytecode, "aliases": {"g": "g"}, **more}
        await self.socket.send_bytes(
            self.serializer.serialize_message(identity, RequestMessage(processor, op, arguments))
        )
        return identity

    async def frame(self) -> bytes:
        """The next frame as it came. ClosedError if the socket ends instead."""
        message = await self.socket.receive(timeout=20)
        if message.type is not WSMsgType.BINARY and message.type is not WSMsgType.TEXT:
            raise ClosedError(self.socket.close_code)
        return message.data if isinstance(message.data, bytes) else message.data.encode()

    async def answer(self) -> Answer:
        """The answer to one request, its partial frames put together."""
        data: list[Any] = []
        frames = 0
        while True:
            frames += 1
            reply = self.serializer.deserialize_message(await self.frame())
            status = reply["status"]
            data += [item.object for item in reply["result"]["data"] or [] for _ in range(item.bulk)]
            if status["code"] == PARTIAL:
                continue
            if status["code"] < 400:
                return Answer(status["code"], None, "", data, frames)
            error = json.loads(status["message"])
            return Answer(status["code"], error["code"], error["detailedMessage"], data, frames)

    async def ask(self, gremlin: Any, op: str = "bytecode", processor: str = "traversal", **more: Any) -> Answer:
        """Send a request and wait for its answer."""
        await self.send(gremlin, op, processor, **more)
        return await self.answer()


async def ended(client: Client) -> int | None:
    """With which code the socket ends, where nothing else may come."""
    with pytest.raises(ClosedError) as caught:
        await client.frame()
    return caught.value.code
