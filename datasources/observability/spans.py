"""Spans of a call in OpenTelemetry's data model: recorded by stores as they answer, given away when the call ends.

A span holds names of ours, counts and kinds of errors. Values, rows, texts of queries and words of errors of others are
never in one, so that it may go to whoever runs the service.
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

# A call with more spans is told of by its counts in the log; what is over is counted here too.
MAX_SPANS = 200

CANCELLED = "Cancelled"

AttributeValue = str | int | float | bool


class SpanKind(IntEnum):
    """As in the OpenTelemetry protocol.

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
    """One thing that took time. Times in nanoseconds since 1970; ids are 16 hexadecimal digits, `parent` may be empty.

    `error` is the kind of what went wrong, and `fault` says that it is ours or a store's and not the caller's.
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
        """Note what ended it, by kind alone: others quote rows in their words. Who cancels is not at fault."""
        cancelled = type(error).__name__ == "CancelledError"
        self.error = CANCELLED if cancelled else type(error).__name__
        self.fault = not cancelled
        # As the drivers of SQL databases have it.
        if isinstance(code := getattr(error, "sqlstate", None), str):
            self.attributes["db.response.status_code"] = code


class Recording:
    """The spans of one call. `root` is the call itself, and stands above all others; `spans` in order of their ends.

    Its times are those of one monotonic clock, so that nothing begins before what it is a part of.
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
        """Nanoseconds since 1970."""
        return self._since + time.perf_counter_ns()

    def add(self, span: Span) -> None:
        """Keep a finished span, unless there are too many."""
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
        """Keep what took so long until now."""
        end = self.now()
        begin = max(self.root.begin_ns, end - round(seconds * 1e9))
        self.add(Span(name, kind, begin, end, attributes, error, fault, self.root.id))


class SpanScope:
    """A body that is recorded however it ends, or not at all."""

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
    """Where spans go. Neither of the two may block or raise."""

    def trace_context(self, call: RequestContext) -> TraceContext | None:
        """The trace that a call's spans belong to; None if nobody wants them."""

    def export(self, recording: Recording) -> None:
        """All spans of a call that has ended."""


class _ActiveExporter:
    """Which exporter is on: one a process, as with logs."""

    exporter: Exporter | None = None


_recording: ContextVar[Recording | None] = ContextVar("recording", default=None)


def set_exporter(exporter: Exporter | None) -> None:
    """Record calls from now on, for this exporter; None records nothing."""
    _ActiveExporter.exporter = exporter


@contextmanager
def use_exporter(exporter: Exporter) -> Iterator[None]:
    """Record calls for this exporter during the body."""
    before, _ActiveExporter.exporter = _ActiveExporter.exporter, exporter
    try:
        yield
    finally:
        _ActiveExporter.exporter = before


def current_recording() -> Recording | None:
    """What this task's spans go into; None, at the price of a look, where nobody wants them."""
    found = _recording.get()
    # A task that a call began may outlive it.
    return None if found is None or found.ended else found


def record_span(
    name: str, kind: SpanKind, attributes: Mapping[str, AttributeValue] | None = None, *, at_least: float = 0.0
) -> SpanScope:
    """Record the body of a `with` as a span of this task's call, if anybody wants it. One that took less than
    `at_least` seconds and did not fail is not kept."""
    into = current_recording()
    if into is None:
        return _NO_SPAN
    begin = into.now()
    return SpanScope(into, Span(name, kind, begin, begin, dict(attributes or ()), parent=into.root.id), at_least)


class record_call:
    """Record the body as a call of its own, with all that stores do for it, and give it away at the end.

    None where nobody wants it. One that is not `kept` is forgotten unless it is found to have worked, or fails.
    """

    __slots__ = ("_exporter", "_token", "_whole")

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
        self._whole: Recording | None = None
        self._token: Token[Recording | None] | None = None
        origin = None if self._exporter is None else self._exporter.trace_context(call)
        if origin is not None:
            self._whole = Recording(origin, call.request_id, name, kind, dict(attributes or ()))
            self._whole.kept = keep_idle

    def __enter__(self) -> Recording | None:
        if self._whole is not None:
            self._token = _recording.set(self._whole)
        return self._whole

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        whole = self._whole
        if whole is None or self._token is None or self._exporter is None:
            return
        _recording.reset(self._token)
        if error is not None:
            whole.root.record_error(error)
            whole.kept = True
        whole.ended = True
        whole.root.end_ns = whole.now()
        if whole.kept:
            self._exporter.export(whole)


def record_work(recording: Recording | None, name: str, count: int) -> None:
    """Note how much a round of a worker has done. One that found nothing to do is not worth a trace."""
    if recording is not None and count:
        recording.root.attributes[name] = count
        recording.kept = True


def record_status(recording: Recording | None, status: int) -> None:
    """Note the status of HTTP that a call was answered with."""
    if recording is not None:
        root = recording.root
        root.attributes["http.response.status_code"] = status
        root.fault = root.fault or status >= 500
        if status >= 400:
            root.error = root.error or str(status)
