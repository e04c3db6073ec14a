"""A body in many small chunks is refused before it holds up the others; other bodies are read whole."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from commands.http_server import server as listening
from commands.http_server.server import MAX_SMALL_CHUNKS, MIN_CHUNK_BYTES
from datasources.embedded.process import free_port

HEAD = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


async def _size(request: Request) -> Response:
    try:
        return Response(f"{len(await request.body()):9}")
    except ClientDisconnect:
        return Response()


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    chosen = free_port()
    application = Starlette(routes=[Route("/", _size, methods=["POST"])])
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


def chunks(count: int, size: int) -> bytes:
    return (b"%x\r\n%s\r\n" % (size, b" " * size)) * count + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("count", "size"), [(MAX_SMALL_CHUNKS, 1), (2 * MAX_SMALL_CHUNKS, MIN_CHUNK_BYTES), (3, 1_000_000)]
)
async def test_a_body_is_read_whole_twice_on_a_connection(port: int, count: int, size: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(HEAD + chunks(count, size))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert int(await reader.readexactly(9)) == count * size
    writer.close()


@pytest.mark.parametrize(("count", "size"), [(MAX_SMALL_CHUNKS + 1, 1), (100_000, MIN_CHUNK_BYTES - 1)])
async def test_a_body_in_many_small_chunks_is_refused(port: int, count: int, size: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + chunks(count, size))
    head, _, body = (await reader.read(10_000)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"More than 4,096 chunks of fewer than 16 bytes; send larger ones." in body
    writer.close()
