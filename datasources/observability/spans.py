"""Spans of a call in the data model of OpenTelemetry: the stores record them, and an exporter sends them at the end.

A span contains our own names, counts and error types. It never contains values, rows, query texts or messages of
foreign exceptions, so that operators may read it.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from enum import IntEnum
from os import urandom
from types import TracebackType
from typing import Protocol, Self

from datasources.observability.trace_context import TraceContext
from datasources.request import RequestContext

# The maximum number of spans of a call; the rest is only counted, here and in the log.
MAX_SPANS = 200

CANCELLED = "Cancelled"

AttributeValue = str | int | float | bool


class SpanKind(IntEnum):
    """The kinds of spans in the OpenTelemetry protocol.

    https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
    """

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = SpanKind


@dataclass(slots=True)
class Span:
    """A timed operation. Times are in nanoseconds since 1970; ids are 16 hexadecimal digits, `parent` may be empty.

    `error` is the type of the error, and `fault` is whether we or a store caused it, not the caller.
    """

    name: str
    kind: SpanKind
    begin_ns: int
    end_ns: int
    attributes: dict[str, AttributeValue]
    error: str = ""
    fault: bool = False
    parent: str = ""
    id: str = field(default_factory=lambda: urandom(8).hex())

    def record_error(self, error: BaseException) -> None:
        """Record the type of an error, not its message, which can quote rows. A cancellation is not a fault."""
        cancelled = type(error).__name__ == "CancelledError"
        self.error = CANCELLED if cancelled else type(error).__name__
        self.fault = not cancelled
        # The attribute that the OpenTelemetry conventions use for SQLSTATE.
        if isinstance(code := getattr(error, "sqlstate", None), str):
            self.attributes["db.response.status_code"] = code


class Recording:
    """The spans of one call. `root` is the call itself and the parent of all others; `spans` are ordered by end.

    All times come from one monotonic clock, so that no span starts before its parent.
    """

    __slots__ = ("_since", "dropped", "ended", "kept", "request_id", "root", "spans", "trace")

    def __init__(
        self, origin: TraceContext, request_id: str, name: str, kind: SpanKind, attributes: dict[str, AttributeValue]
    ) -> None:
        self.trace = origin.trace
        self.request_id = request_id
        self.spans: list[Span] = []
        self.dropped = 0
        self.ended = False
        self.kept = True
        self._since = time.time_ns() - time.perf_counter_ns()
        begin = self.now()
        self.root = Span(name, kind, begin, begin, attributes, parent=origin.parent)

    def now(self) -> int:
        """Return the nanoseconds since 1970."""
        return self._since + time.perf_counter_ns()

    def add(self, span: Span) -> None:
        """Add a finished span, unless there are too many."""
        if len(self.spans) < MAX_SPANS:
            self.spans.append(span)
        else:
            self.dropped += 1

    def record(
        self,
        name: str,
        kind: SpanKind,
        seconds: float,
        attributes: dict[str, AttributeValue],
        error: str = "",
        *,
        fault: bool = False,
    ) -> None:
        """Add a span that took `seconds` and ends now."""
        end = self.now()
        begin = max(self.root.begin_ns, end - round(seconds * 1e9))
        self.add(Span(name, kind, begin, end, attributes, error, fault, self.root.id))


class SpanScope:
    """A context manager that records its block as a span, or does nothing."""

    __slots__ = ("_least", "_recording", "_span")

    def __init__(self, recording: Recording | None, span: Span | None, least: float) -> None:
        self._recording, self._span, self._least = recording, span, least

    def __enter__(self) -> Self:
        return self

    def set_attribute(self, name: str, value: AttributeValue) -> None:
        """Add an attribute."""
        if self._span is not None:
            self._span.attributes[name] = value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        span, recording = self._span, self._recording
        if span is None or recording is None or recording.ended:
            return
        span.end_ns = recording.now()
        if error is not None:
            span.record_error(error)
        if error is not None or span.end_ns - span.begin_ns >= self._least * 1e9:
            recording.add(span)


_NO_SPAN = SpanScope(None, None, 0.0)


class Exporter(Protocol):
    """The destination of spans. The methods must not block or raise."""

    def trace_context(self, call: RequestContext) -> TraceContext | None:
        """Return the trace to which the spans of a call belong; None disables recording."""

    def export(self, recording: Recording) -> None:
        """Export all spans of a call that has ended."""


class _ActiveExporter:
    """The active exporter of the process."""

    exporter: Exporter | None = None


_recording: ContextVar[Recording | None] = ContextVar("recording", default=None)


def set_exporter(exporter: Exporter | None) -> None:
    """Record calls for this exporter from now on; None disables recording."""
    _ActiveExporter.exporter = exporter


@contextmanager
def use_exporter(exporter: Exporter) -> Iterator[None]:
    """Record calls for this exporter during the block."""
    before, _ActiveExporter.exporter = _ActiveExporter.exporter, exporter
    try:
        yield
    finally:
        _ActiveExporter.exporter = before


def current_recording() -> Recording | None:
    """Return the recording of this task's call; None if recording is off. Costs one lookup."""
    recording = _recording.get()
    # A task that a call started may outlive it.
    return None if recording is None or recording.ended else recording


def record_span(
    name: str, kind: SpanKind, attributes: Mapping[str, AttributeValue] | None = None, *, at_least: float = 0.0
) -> SpanScope:
    """Record the block of a `with` as a span of this task's call, if recording is on. A block that took less than
    `at_least` seconds and did not fail is not recorded."""
    recording = current_recording()
    if recording is None:
        return _NO_SPAN
    begin = recording.now()
    span = Span(name, kind, begin, begin, dict(attributes or ()), parent=recording.root.id)
    return SpanScope(recording, span, at_least)


class record_call:
    """Record the block as a call, with all spans of the stores, and export it at the end.

    Returns None if recording is off. With `keep_idle` False, a call is exported only if it did some work or failed.
    """

    __slots__ = ("_exporter", "_recorded", "_token")

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        call: RequestContext,
        attributes: Mapping[str, AttributeValue] | None = None,
        *,
        keep_idle: bool = True,
    ) -> None:
        self._exporter = _ActiveExporter.exporter
        self._recorded: Recording | None = None
        self._token: Token[Recording | None] | None = None
        origin = None if self._exporter is None else self._exporter.trace_context(call)
        if origin is not None:
            self._recorded = Recording(origin, call.request_id, name, kind, dict(attributes or ()))
            self._recorded.kept = keep_idle

    def __enter__(self) -> Recording | None:
        if self._recorded is not None:
            self._token = _recording.set(self._recorded)
        return self._recorded

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        recording = self._recorded
        if recording is None or self._token is None or self._exporter is None:
            return
        _recording.reset(self._token)
        if error is not None:
            recording.root.record_error(error)
            recording.kept = True
        recording.ended = True
        recording.root.end_ns = recording.now()
        if recording.kept:
            self._exporter.export(recording)


def record_work(recording: Recording | None, name: str, count: int) -> None:
    """Record how much a round of a worker did. A round without work is not exported."""
    if recording is not None and count:
        recording.root.attributes[name] = count
        recording.kept = True


def record_status(recording: Recording | None, status: int) -> None:
    """Record the HTTP status of a call."""
    if recording is not None:
        root = recording.root
        root.attributes["http.response.status_code"] = status
        root.fault = root.fault or status >= 500
        if status >= 400:
            root.error = root.error or str(status)
