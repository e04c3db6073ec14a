"""Exports spans to an OpenTelemetry collector: OTLP in JSON over HTTP, from a background task.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from os import urandom
from typing import Any

import httpx
import orjson

from datasources.observability.spans import AttributeValue, Recording, Span, use_exporter
from datasources.observability.trace_context import TraceContext
from datasources.request import RequestContext

log = logging.getLogger("stackflow.spans")

TRACES_PATH = "/v1/traces"
JSON_HEADERS = {"content-type": "application/json"}
# The maximum number of recordings that wait to be sent (the oldest are dropped), and of those in one request.
MAX_WAITING = 1_000
BATCH_SIZE = 100
# Seconds before waiting recordings are sent, the timeout of a request, and the wait for the last one when stopping.
FLUSH_SECONDS = 1.0
SEND_TIMEOUT_SECONDS = 5.0
STOP_TIMEOUT_SECONDS = 2.0
# Seconds between two warnings about a collector that accepts nothing.
WARNING_INTERVAL_SECONDS = 60.0


class OtlpExporter:
    """Exports to the collector at this URL. Recordings are sent only during `run`; requests never wait for it.

    What the collector rejects or does not receive is lost, and counted in `lost`: spans do not justify a queue on disk.
    """

    def __init__(
        self, url: str, environment: str, *, max_waiting: int = MAX_WAITING, flush_seconds: float = FLUSH_SECONDS
    ) -> None:
        self._url = url.rstrip("/") + TRACES_PATH
        self._resource = _attributes({
            "service.name": "stackflow", "service.version": version("stackflow"),
            "deployment.environment.name": environment,
        })  # fmt: skip
        self._pause = flush_seconds
        self._waiting: deque[Recording] = deque(maxlen=max_waiting)
        self._has_work = asyncio.Event()
        self._full = asyncio.Event()
        self._stop = asyncio.Event()
        self._warned_at = float("-inf")
        self.sent = 0
        self.lost = 0

    def trace_context(self, call: RequestContext) -> TraceContext | None:
        """See the protocol. The caller decides whether its trace is sampled; a new trace always is."""
        if call.sampled is False:
            return None
        return TraceContext(call.trace or urandom(16).hex(), call.parent, True)

    def export(self, recording: Recording) -> None:
        """See the protocol."""
        if len(self._waiting) == self._waiting.maxlen:
            self.lost += 1
        self._waiting.append(recording)
        self._has_work.set()
        if len(self._waiting) >= BATCH_SIZE:
            self._full.set()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Record calls and send them during the block; at its end the waiting ones are sent, for at most 2 s."""
        task = asyncio.create_task(self._run(), name="spans")
        try:
            with use_exporter(self):
                yield
        finally:
            self._stop.set()
            self._has_work.set()
            self._full.set()
            await asyncio.wait({task}, timeout=STOP_TIMEOUT_SECONDS)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.lost += len(self._waiting)

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=SEND_TIMEOUT_SECONDS, trust_env=False) as client:
            while not self._stop.is_set():
                await self._has_work.wait()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause):
                        await self._full.wait()
                self._has_work.clear()
                self._full.clear()
                await self._drain(client)
            await self._drain(client)

    async def _drain(self, client: httpx.AsyncClient) -> None:
        while self._waiting:
            count = min(BATCH_SIZE, len(self._waiting))
            await self._send(client, [self._waiting.popleft() for _ in range(count)])

    async def _send(self, client: httpx.AsyncClient, some: Sequence[Recording]) -> None:
        try:
            reply = await client.post(self._url, content=encode_request(some, self._resource), headers=JSON_HEADERS)
            reply.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONEncodeError) as error:
            self.lost += len(some)
            self._warn(error)
        except asyncio.CancelledError:
            self.lost += len(some)
            raise
        else:
            self.sent += len(some)

    def _warn(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._warned_at >= WARNING_INTERVAL_SECONDS:
            self._warned_at = now
            log.warning("the collector takes no spans", extra={"problem": type(error).__name__, "lost": self.lost})


def encode_request(some: Sequence[Recording], resource: Sequence[Any] = ()) -> bytes:
    """Encode an ExportTraceServiceRequest. Ids are hexadecimal, names in camel case, and 64-bit numbers are strings."""
    spans = [_span(span, each) for each in some for span in (each.root, *each.spans)]
    scope = {"scope": {"name": "stackflow"}, "spans": spans}
    return orjson.dumps({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [scope]}]})


def _span(span: Span, recording: Recording) -> dict[str, Any]:
    attributes = span.attributes | {"stackflow.request_id": recording.request_id}
    if span.error:
        attributes["error.type"] = span.error
    if span is recording.root and recording.dropped:
        attributes["stackflow.spans.dropped"] = recording.dropped
    encoded = {
        "traceId": recording.trace,
        "spanId": span.id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.begin_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes(attributes),
        # An error of the caller is not an error of the server's span.
        "status": {"code": 2} if span.fault else {},
    }
    return encoded | {"parentSpanId": span.parent} if span.parent else encoded


def _attributes(attributes: Mapping[str, AttributeValue]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: AttributeValue) -> dict[str, Any]:
    # A bool is an int in Python.
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
