"""GremlinClient: sends traversals and returns rows, over web sockets that it reopens after a loss."""

import asyncio
import logging
import time
from dataclasses import asdict
from functools import partial
from typing import Any

from gremlin_python.process.traversal import Traversal

from datasources.config import GraphSettings
from datasources.errors import SourceError
from datasources.graph.gremlin.client.connector import Connector, FindCredentials, HeaderSigner
from datasources.graph.gremlin.client.errors import GRAPH, GraphProblem, to_source_error, to_timeout
from datasources.graph.gremlin.client.load_balancer import Resolve, system_resolver
from datasources.graph.gremlin.client.loop_thread import LoopThread
from datasources.graph.gremlin.client.pool import ConnectionPool
from datasources.graph.gremlin.client.request import TraversalRequest
from datasources.graph.gremlin.client.retry import READ_ONLY, RetryPolicy, RetryRule, retry_rule
from datasources.graph.gremlin.source import g
from datasources.health import Health
from datasources.observability.spans import CLIENT, AttributeValue, current_recording
from datasources.request import RequestContext, TraversalStats, current_request, use_request

HEALTH_SECONDS = 2.0
# A slower traversal is logged at INFO.
SLOW_SECONDS = 1.0
DEADLINE = "Deadline"
CANCELLED = "Cancelled"

log = logging.getLogger("stackflow.graph")


class GremlinClient:
    """A client for any number of event loops and threads. Its own thread starts with the first traversal.

    `credentials` returns AWS credentials, and is called again after a rejected signature; the default is botocore's
    provider chain. `resolve` returns the addresses of a host name; the default is the name service of the system.
    """

    def __init__(
        self, settings: GraphSettings, credentials: FindCredentials | None = None, resolve: Resolve | None = None
    ) -> None:
        if settings.url is None:
            raise ValueError("a client needs GRAPH_URL")
        self._settings = settings
        self._loop_thread = LoopThread(self._close_pools)
        self._signer = _signer(settings, credentials)
        self._resolve = resolve or system_resolver(self._loop_thread.blocking)
        self._writer = self._open_pool(settings.url)
        self._reader = (
            self._open_pool(settings.reader_url) if settings.reader_url not in {None, settings.url} else self._writer
        )

    @property
    def is_lost(self) -> bool:
        """Whether the last attempts to connect to the reader failed: a traversal would wait until its deadline."""
        return self._reader.is_lost

    def probe(self) -> None:
        """Try to reach a lost reader in the background, so that `is_lost` can become False. Returns immediately."""
        self._loop_thread.call_soon(self._reader.probe)

    async def submit(self, traversal: Traversal, verb: str, *, writes: bool = False) -> list[Any]:
        """Implement `TraversalClient.submit`. Cancellation discards the web socket of the running traversal.

        Raises SourceTimeout at the deadline, whatever the cause; SourceUnavailable if the attempts are exhausted by
        transient errors; SourceRefused for permanent errors.
        """
        call = current_request()
        left = call.remaining()
        seconds = self._settings.timeout if left is None else min(left, self._settings.timeout)
        begin = time.monotonic()
        request = TraversalRequest(traversal, call, begin + seconds, self._settings.message_bytes)
        endpoint = self._writer if writes or call.wrote_graph else self._reader
        rows: list[Any] = []
        try:
            if not seconds:
                request.code = DEADLINE
                raise to_timeout(None)
            rows = await self._loop_thread.run(partial(self._submit_with_retries, request, endpoint))
        except asyncio.CancelledError:
            request.code = CANCELLED
            raise
        finally:
            _report(request, verb, len(rows), time.monotonic() - begin, endpoint.name)
        call.usage.rows += len(rows)
        call.wrote_graph = call.wrote_graph or writes
        return rows

    async def health(self) -> Health:
        """Run one round trip to the reader within 2 s; an unreachable engine is reported, not raised."""
        details = {"engine": "Gremlin", "endpoint": self._reader.name}
        begin = time.monotonic()
        try:
            with use_request(RequestContext(deadline=asyncio.get_running_loop().time() + HEALTH_SECONDS)):
                await self.submit(g.inject(1), "health")
        except SourceError as error:
            return Health(GRAPH, reachable=False, problem=str(error), details=details)
        return Health(GRAPH, reachable=True, latency_ms=(time.monotonic() - begin) * 1_000, details=details)

    async def close(self) -> None:
        """Close the web sockets and end the thread; pending requests fail with SourceUnavailable."""
        await self._loop_thread.close()

    def _open_pool(self, url: str) -> ConnectionPool:
        opener = Connector(url, self._settings, self._signer, self._resolve, self._loop_thread.blocking)
        return ConnectionPool(opener, self._settings)

    async def _submit_with_retries(self, request: TraversalRequest, endpoint: ConnectionPool) -> list[Any]:
        """In the client's thread: retry until there is an answer, a permanent error, or no time left."""
        retries = RetryPolicy(self._settings.attempts)
        problem: GraphProblem | None = None
        try:
            request.encode()
            async with asyncio.timeout(request.remaining_seconds()):
                while True:
                    request.tries += 1
                    try:
                        async with endpoint.acquire() as socket:
                            frame = request.next_frame()
                            return await socket.submit(request.traversal_id, frame, request.record_received)
                    except GraphProblem as error:
                        problem = error
                    await self._before_next_try(request, endpoint, retries, problem)
        except GraphProblem as error:
            request.code = error.code
            raise to_source_error(error, retryable=retry_rule(error) is RetryRule.SENDINGS) from error
        except TimeoutError as error:
            request.code = DEADLINE
            problem = endpoint.problem if endpoint.is_lost else problem
            raise to_timeout(problem) from (problem or error)

    @staticmethod
    async def _before_next_try(
        request: TraversalRequest, endpoint: ConnectionPool, retries: RetryPolicy, problem: GraphProblem
    ) -> None:
        if not retries.should_retry(problem, request.sendings):
            raise problem
        if problem.code == READ_ONLY:
            endpoint.retire_connections()
        if retry_rule(problem) is RetryRule.ONCE:
            endpoint.renew_credentials()
        pause = retries.next_pause_seconds()
        if pause >= request.remaining_seconds():
            # The deadline would end the pause: report the problem now.
            raise problem if retry_rule(problem) is RetryRule.SENDINGS else TimeoutError
        await asyncio.sleep(pause)

    async def _close_pools(self) -> None:
        for endpoint in {self._writer, self._reader}:
            await endpoint.close()


def _signer(settings: GraphSettings, credentials: FindCredentials | None) -> HeaderSigner | None:
    if settings.signing is None:
        return None
    # Imported here because botocore loads slowly, and only signing needs it.
    from datasources.graph.gremlin.client.signing import Signer, default_credentials

    return Signer(settings.signing.region, credentials or default_credentials)


def _report(request: TraversalRequest, verb: str, rows: int, seconds: float, endpoint: str) -> None:
    """Log the traversal, add it to the statistics of the request, and record a span.

    The level is DEBUG; it is INFO if the traversal was slow, retried or failed.
    """
    retries = max(0, request.tries - 1)
    loud = bool(retries or request.code or seconds > SLOW_SECONDS)
    stats = TraversalStats(
        request.traversal_id, verb, rows, request.received, round(seconds * 1_000, 1), retries, request.code
    )
    request.call.traversals.append(stats)
    if (spans := current_recording()) is not None:
        is_fault = stats.code not in {"", CANCELLED}
        spans.record(verb, CLIENT, seconds, _attributes(stats, endpoint), stats.code, fault=is_fault)
    log.log(
        logging.INFO if loud else logging.DEBUG,
        "traversal",
        extra={"request_id": request.call.request_id} | asdict(stats),
    )


def _attributes(stats: TraversalStats, endpoint: str) -> dict[str, AttributeValue]:
    host, _, port = endpoint.rpartition(":")
    return {
        "db.system.name": "gremlin",
        "db.operation.name": stats.verb,
        "db.response.returned_rows": stats.rows,
        "server.address": host,
        "server.port": int(port),
        "stackflow.traversal.id": stats.traversal_id,
        "stackflow.traversal.bytes": stats.bytes,
        "stackflow.traversal.retries": stats.retries,
    }
