"""Exports spans to an OpenTelemetry collector by OpenTelemetry's SDK: protobuf over HTTP, from a thread of its own.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from os import urandom
from threading import Thread

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from datasources.observability.spans import Recording, Span, use_exporter
from datasources.observability.trace_context import TraceContext
from datasources.request import RequestContext

TRACES_PATH = "/v1/traces"
# The maximum number of spans that wait to be sent (the oldest are dropped), and of those in one request.
MAX_WAITING = 10_000
BATCH_SIZE = 500
# Seconds before waiting spans are sent, the time for a request with its retries, and the wait for the last one when
# stopping.
FLUSH_SECONDS = 1.0
SEND_TIMEOUT_SECONDS = 5.0
STOP_TIMEOUT_SECONDS = 2.0
# The SDK logs each attempt to reach a collector that accepts nothing; the seconds between two lines that are written.
SDK_LOGGERS = ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal")
LOG_INTERVAL_SECONDS = 60.0

_SCOPE = InstrumentationScope("stackflow")
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSET, _ERROR = Status(), Status(StatusCode.ERROR)


class LogLimit(logging.Filter):
    """Lets one line in LOG_INTERVAL_SECONDS pass. `passed_at` is when, in seconds of the monotonic clock."""

    passed_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is logged."""
        now = time.monotonic()
        is_due = now - self.passed_at >= LOG_INTERVAL_SECONDS
        if is_due:
            self.passed_at = now
        return is_due


LOG_LIMIT = LogLimit()


class OtlpExporter:
    """Exports to the collector at this URL, from a thread of the SDK: requests never wait for it.

    What the collector rejects or does not receive is lost: spans do not justify a queue on disk.
    """

    def __init__(
        self, url: str, environment: str, *, max_waiting: int = MAX_WAITING, flush_seconds: float = FLUSH_SECONDS
    ) -> None:
        for name in SDK_LOGGERS:
            logging.getLogger(name).addFilter(LOG_LIMIT)
        session = requests.Session()
        # Neither a proxy nor a password of the environment.
        session.trust_env = False
        self._sender = OTLPSpanExporter(url.rstrip("/") + TRACES_PATH, timeout=SEND_TIMEOUT_SECONDS, session=session)
        self._processor = BatchSpanProcessor(
            self._sender, max_waiting, flush_seconds * 1_000, min(BATCH_SIZE, max_waiting)
        )
        self._resource = Resource({
            "service.name": "stackflow", "service.version": version("stackflow"),
            "deployment.environment.name": environment,
        })  # fmt: skip

    def trace_context(self, call: RequestContext) -> TraceContext | None:
        """See the protocol. The caller decides whether its trace is sampled; a new trace always is."""
        if call.sampled is False:
            return None
        return TraceContext(call.trace or urandom(16).hex(), call.parent, True)

    def export(self, recording: Recording) -> None:
        """See the protocol."""
        for span in convert_spans(recording, self._resource):
            self._processor.on_end(span)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Record calls during the block; at its end the waiting spans are sent, for at most 2 s."""
        try:
            with use_exporter(self):
                yield
        finally:
            # The SDK waits for up to 30 s, which must delay neither the loop nor the end of the process.
            stopping = Thread(target=self._processor.shutdown, name="spans", daemon=True)
            stopping.start()
            await asyncio.to_thread(stopping.join, STOP_TIMEOUT_SECONDS)
            if stopping.is_alive():
                self._sender.shutdown()  # type: ignore[no-untyped-call]


def convert_spans(recording: Recording, resource: Resource) -> Iterator[ReadableSpan]:
    """Yield the call and its parts as spans of the SDK."""
    for span in (recording.root, *recording.spans):
        yield _convert_span(span, recording, resource)


def _convert_span(span: Span, recording: Recording, resource: Resource) -> ReadableSpan:
    attributes = span.attributes | {"stackflow.request_id": recording.request_id}
    if span.error:
        attributes["error.type"] = span.error
    if span is recording.root and recording.dropped:
        attributes["stackflow.spans.dropped"] = recording.dropped
    trace = int(recording.trace, 16)
    return ReadableSpan(
        span.name,
        SpanContext(trace, int(span.id, 16), is_remote=False, trace_flags=_SAMPLED),
        SpanContext(trace, int(span.parent, 16), span is recording.root, _SAMPLED) if span.parent else None,
        resource,
        attributes,
        kind=SpanKind[span.kind.name],
        # An error of the caller is not an error of the server's span.
        status=_ERROR if span.fault else _UNSET,
        start_time=span.begin_ns,
        end_time=span.end_ns,
        instrumentation_scope=_SCOPE,
    )
