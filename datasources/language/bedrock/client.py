"""Clients of Bedrock's services and of S3, by boto3 in threads, with a deadline for each call."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil, log2
from typing import Any, TypeVar

from datasources.language.bedrock.errors import translate_errors
from datasources.language.bedrock.exchange import Exchange
from datasources.language.port import LanguageError, LanguageFailure

T = TypeVar("T")

RUNTIME = "bedrock-runtime"
AGENT_RUNTIME = "bedrock-agent-runtime"
AGENT = "bedrock-agent"
STORAGE = "s3"

# Calls at the same time. Not in the loop's own threads, of which two cores have six: a model answers in seconds.
MAX_CALLS = 16
CONNECT_TIMEOUT_SECONDS = 2
# Throttling and failures of the server are sent once more by boto3; then another model is tried.
ATTEMPTS = 2


class BedrockClients:
    """Calls Bedrock with the credentials of boto3's default chain, in a region.

    The SDK's variables AWS_ENDPOINT_URL_BEDROCK_RUNTIME and AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME name other servers.
    Nothing is imported or connected before the first call.
    """

    def __init__(self, region: str | None) -> None:
        self._region = region
        self._session: Any = None
        self._clients: dict[tuple[str, int], Any] = {}
        self._lock = threading.Lock()
        # Calls wait in the loop and not for a thread: one that is cancelled while it waits is never sent.
        self._places = asyncio.Semaphore(MAX_CALLS)
        self._threads = ThreadPoolExecutor(MAX_CALLS, "bedrock")

    async def call(self, service: str, timeout_seconds: float, send: Callable[[Any], T]) -> T:
        """Call `send` with the client of a service in a thread, and return what it returns. Raises LanguageError.

        The connection of a call that is cancelled or too slow is shut down, so that its thread serves the next call.
        Only boto3's waits end by themselves: for a connection, at most CONNECT_TIMEOUT_SECONDS for each address, and
        before it repeats a call, at most 1 s.
        """
        exchange = Exchange(time.monotonic() + timeout_seconds)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_seconds):
                async with self._places:
                    return await loop.run_in_executor(
                        self._threads, self._send, service, timeout_seconds, exchange, send
                    )
        except TimeoutError as error:
            raise LanguageError(LanguageFailure.TIMEOUT, "DeadlineExceeded") from error
        finally:
            exchange.stop()

    def _send(self, service: str, timeout_seconds: float, exchange: Exchange, send: Callable[[Any], T]) -> T:
        from datasources.language.bedrock.connections import set_exchange

        try:
            with translate_errors():
                client = self._client(service, _read_timeout(timeout_seconds))
                set_exchange(exchange)
                return send(client)
        finally:
            exchange.end()

    def _client(self, service: str, read_timeout: int) -> Any:
        # Importing boto3 takes 0.2 s and the first client as long, so both wait for the first call; later ones 12 ms.
        from boto3.session import Session
        from botocore.config import Config

        from datasources.language.bedrock.connections import make_stoppable

        with self._lock:
            client = self._clients.get((service, read_timeout))
            if client is None:
                # Its lines of the level DEBUG contain requests, and so questions.
                logging.getLogger("botocore").setLevel(logging.INFO)
                # A session is not safe for threads, a client is.
                self._session = self._session or Session(region_name=self._region)
                config = Config(
                    connect_timeout=CONNECT_TIMEOUT_SECONDS, read_timeout=read_timeout, max_pool_connections=MAX_CALLS,
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                )  # fmt: skip
                client = self._session.client(service, config=config)
                client.meta.events.register("before-send", _check_deadline)
                make_stoppable(client)
                self._clients[service, read_timeout] = client
            return client

    async def close(self) -> None:
        """Close all connections. Calls that run end when they are cancelled, or by their read timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client.close()
        self._clients.clear()


def _read_timeout(seconds: float) -> int:
    """Return the next power of two, so that a few clients serve all timeouts. The call itself ends in time."""
    return int(2 ** ceil(log2(max(1.0, seconds))))


def _check_deadline(request: Any, **_: Any) -> None:
    """Refuse to send after the deadline: boto3 would repeat a call that was too slow, and Bedrock bill both."""
    from botocore.exceptions import ReadTimeoutError

    from datasources.language.bedrock.connections import current_exchange

    exchange = current_exchange()
    exchange.require_running()
    if time.monotonic() >= exchange.deadline:
        raise ReadTimeoutError(endpoint_url=request.url)
