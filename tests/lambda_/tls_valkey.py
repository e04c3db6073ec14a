"""The wheel's Valkey behind TLS, which it has none of its own: so the cache of these tests is nobody's to install."""

import asyncio
import ssl
import threading
from contextlib import suppress
from pathlib import Path

from datasources.embedded.valkey import EmbeddedValkey
from tests.datasources.cache.servers import TlsRedis


class TlsValkey(TlsRedis):
    """Valkey with a password, and in front of it whoever speaks TLS for it, on a thread of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._valkey = EmbeddedValkey(folder / "valkey")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def token(self) -> str:
        return self._valkey.password

    def start(self) -> None:
        self._certify()
        self._valkey.start()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(timeout=10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()
        self._valkey.stop()

    async def _listen(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=context)

    async def _end(self) -> None:
        self._server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for each in connections:
            each.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._valkey.port)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
