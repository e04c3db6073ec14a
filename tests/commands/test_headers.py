"""Connections whose headers do not come are closed; those that are answered or idle are not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commands.http_server import server as listening
from datasources.embedded.process import free_port

SECONDS = 0.3
ASKED = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def _slow(_: Request) -> Response:
    await asyncio.sleep(2 * SECONDS)
    return Response("done")


@pytest_asyncio.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(listening, "HEADER_SECONDS", SECONDS)
    chosen = free_port()
    application = Starlette(routes=[Route("/", _slow)])
    config = uvicorn.Config(
        application, port=chosen, http=listening.TimedProtocol, log_level="error", lifespan="off", timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    yield chosen
    server.should_exit = True
    await serving


async def answered(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(4)
    return head.split(b"\r\n")[0]


@pytest.mark.parametrize("begin", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n", ASKED])
async def test_headers_that_do_not_come_end_the_connection(port: int, begin: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if begin == ASKED:
        # The second request of a connection has the same time as the first.
        writer.write(ASKED)
        assert await answered(reader) == b"HTTP/1.1 200 OK"
        begin = b"GET"
    writer.write(begin)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()


async def test_an_answer_that_takes_longer_and_an_idle_connection_stay(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(ASKED)
        assert await answered(reader) == b"HTTP/1.1 200 OK"
        await asyncio.sleep(2 * SECONDS)
    writer.close()
