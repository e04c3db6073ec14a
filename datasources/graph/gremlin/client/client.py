"""GremlinClient: traversals in, rows out, over web sockets that are opened anew whenever one is lost."""

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
# A traversal that takes longer is worth a line in the log of a quiet day.
SLOW_SECONDS = 1.0
DEADLINE = "Deadline"
CANCELLED = "Cancelled"

log = logging.getLogger("stackflow.graph")


class GremlinClient:
    """For any number of event loops and threads; its own thread starts with the first traversal.

    `credentials` finds AWS credentials (called at first, and again after a refused signature); botocore's usual
    places else. `resolve` gives the addresses of a name; the system's name service else.
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
        """Whether no web socket to the reader could be opened of late: a traversal would wait until its deadline."""
        return self._reader.is_lost

    def probe(self) -> None:
        """Let a lost reader be looked for in the background, so that `lost` ends by itself. Returns at once."""
        self._loop_thread.call_soon(self._reader.probe)

    async def submit(self, traversal: Traversal, verb: str, *, writes: bool = False) -> list[Any]:
        """As the port says. Cancelling the caller ends the traversal on the way and gives up its web socket.

        Raises SourceTimeout at the deadline, whatever stood in the way; SourceUnavailable where the engine refused
        for the moment until the attempts were used up; SourceRefused for all that will not pass by itself.
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
        """One round trip to the reader within 2 s; never raises for an unreachable engine."""
        details = {"engine": "Gremlin", "endpoint": self._reader.name}
        begin = time.monotonic()
        try:
            with use_request(RequestContext(deadline=asyncio.get_running_loop().time() + HEALTH_SECONDS)):
                await self.submit(g.inject(1), "health")
        except SourceError as error:
            return Health(GRAPH, reachable=False, problem=str(error), details=details)
        return Health(GRAPH, reachable=True, latency_ms=(time.monotonic() - begin) * 1_000, details=details)

    async def close(self) -> None:
        """Close the web sockets and end the thread; whoever waits for an answer gets SourceUnavailable."""
        await self._loop_thread.close()

    def _open_pool(self, url: str) -> ConnectionPool:
        opener = Connector(url, self._settings, self._signer, self._resolve, self._loop_thread.blocking)
        return ConnectionPool(opener, self._settings)

    async def _submit_with_retries(self, request: TraversalRequest, endpoint: ConnectionPool) -> list[Any]:
        """In the client's thread: try until there is an answer, or no use in another try, or no time."""
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
            # The deadline would end the pause: say at once what is wrong.
            raise problem if retry_rule(problem) is RetryRule.SENDINGS else TimeoutError
        await asyncio.sleep(pause)

    async def _close_pools(self) -> None:
        for endpoint in {self._writer, self._reader}:
            await endpoint.close()


def _signer(settings: GraphSettings, credentials: FindCredentials | None) -> HeaderSigner | None:
    if settings.signing is None:
        return None
    # botocore takes long to load: only where something is signed.
    from datasources.graph.gremlin.client.signing import Signer, default_credentials

    return Signer(settings.signing.region, credentials or default_credentials)


def _report(request: TraversalRequest, verb: str, rows: int, seconds: float, endpoint: str) -> None:
    """A line of its own, quiet unless it was slow, sent again or failed; a word for the operation's line; a span."""
    retries = max(0, request.tries - 1)
    loud = bool(retries or request.code or seconds > SLOW_SECONDS)
    told = TraversalStats(
        request.traversal_id, verb, rows, request.received, round(seconds * 1_000, 1), retries, request.code
    )
    request.call.traversals.append(told)
    if (spans := current_recording()) is not None:
        is_fault = told.code not in {"", CANCELLED}
        spans.record(verb, CLIENT, seconds, _attributes(told, endpoint), told.code, fault=is_fault)
    log.log(
        logging.INFO if loud else logging.DEBUG,
        "traversal",
        extra={"request_id": request.call.request_id} | asdict(told),
    )


def _attributes(told: TraversalStats, endpoint: str) -> dict[str, AttributeValue]:
    host, _, port = endpoint.rpartition(":")
    return {
        "db.system.name": "gremlin",
        "db.operation.name": told.verb,
        "db.response.returned_rows": told.rows,
        "server.address": host,
        "server.port": int(port),
        "stackflow.traversal.id": told.traversal_id,
        "stackflow.traversal.bytes": told.bytes,
        "stackflow.traversal.retries": told.retries,
    }
