"""Small engines that misbehave in ways that neither a gate nor the double of Neptune does."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@asynccontextmanager
async def pipes(port: int, *hosts: str, listen: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator["Pipes"]:
    """Pass what comes to these hosts, all on one port, on to a port of 127.0.0.1."""
    opened = Pipes(port)
    servers = []
    for host in hosts:
        servers.append(await asyncio.start_server(opened.accept, host, listen, ssl=tls))
        listen = opened.port = servers[0].sockets[0].getsockname()[1]
    try:
        yield opened
    finally:
        for server in servers:
            server.close()
        await opened.end()


class Pipes:
    """Counts what it accepted by the host that was called."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.accepted: list[str] = []
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted.append(writer.get_extra_info("sockname")[0])
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, other_writer}
        for pair in ((reader, other_writer), (other_reader, writer)):
            task = asyncio.create_task(self._pump(*pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def mute() -> AsyncIterator[int]:
    """The port of a server that accepts and never says a word."""
    held: list[asyncio.StreamWriter] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            writer.transport.abort()


Handler = Callable[[web.WebSocketResponse, int], Awaitable[None]]


@asynccontextmanager
async def web_sockets(handle: Handler) -> AsyncIterator[str]:
    """The URL of a server that gives each web socket to `handle`, with its number from 1."""
    accepted = 0

    async def accept(request: web.Request) -> web.WebSocketResponse:
        nonlocal accepted
        accepted += 1
        socket = web.WebSocketResponse()
        number = accepted
        await socket.prepare(request)
        await handle(socket, number)
        return socket

    app = web.Application()
    app.router.add_get("/gremlin", accept)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/gremlin"
    finally:
        await runner.cleanup()


def closing_with(code: int) -> AbstractAsyncContextManager[str]:
    """A server that answers each message by closing the web socket with this code."""

    async def close(socket: web.WebSocketResponse, _: int) -> None:
        await socket.receive()
        await socket.close(code=code, message=b"enough")

    return web_sockets(close)


def out_of_step(stray: str, *, first: bool) -> AbstractAsyncContextManager[str]:
    """A server whose first web socket sends another's answer with each answer, before or after it.

    The rows of an answer are the number of its web socket, those of the other's the word "stray".
    """

    async def answer(socket: web.WebSocketResponse, number: int) -> None:
        async for message in socket:
            request = json.loads(message.data[1 + message.data[0] :])["requestId"]["@value"]
            answers = [reply(request, number)]
            if number == 1:
                answers.insert(0 if first else 1, reply(stray, "stray"))
            for each in answers:
                await socket.send_bytes(each)

    return web_sockets(answer)


def reply(request: str, row: object) -> bytes:
    rows = {"@type": "g:List", "@value": [row]}
    status = {"message": "", "code": 200, "attributes": {"@type": "g:Map", "@value": []}}
    return json.dumps({"requestId": request, "status": status, "result": {"data": rows}}).encode()


def certificate(folder: Path, host: str = "127.0.0.1") -> tuple[Path, ssl.SSLContext]:
    """A certificate for this address that signs itself, as a file to trust, and a server's context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "engine")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / "certificate.pem", folder / "key.pem"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, secret)
    return shown, context
