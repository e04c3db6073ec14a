"""Spans as a collector gets them: the protobuf of OTLP over real HTTP, in batches, and no harm where nobody listens."""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable
from importlib.metadata import version

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, SpanFlags, Status

from datasources.config import ObservabilitySettings, TraceExporter
from datasources.observability import otlp
from datasources.observability.otlp import BATCH_SIZE, LOG_LIMIT, SDK_LOGGERS, OtlpExporter
from datasources.observability.spans import CLIENT, SERVER, AttributeValue, current_recording, record_call, record_span
from datasources.observability.tracing import export_traces
from datasources.request import RequestContext
from tests.fixtures.spans import PARENT, TRACE, collector, made

# Nothing is sent before a batch is full or the server stops.
NEVER = 3_600.0
LOCAL, REMOTE = SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK, SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK


@pytest.fixture(autouse=True)
def _first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOG_LIMIT, "passed_at", float("-inf"))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def attributes(**values: AttributeValue) -> list[KeyValue]:
    """Attributes whose names have `__` for each dot."""
    return [KeyValue(key=name.replace("__", "."), value=_value(each)) for name, each in values.items()]


def _value(value: AttributeValue) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
    return AnyValue(string_value=value)


async def test_a_request_is_as_the_protocol_says() -> None:
    whole = made(2, **{"stackflow.document": "0123"})
    first, second = whole.spans
    whole.root.attributes |= {"some": 1.5, "is": True}
    whole.root.error = "NOT_FOUND"
    second.error, second.fault = "SourceTimeout", True
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev")
        async with exporter.run():
            exporter.export(whole)
    trace, root = bytes.fromhex(TRACE), bytes.fromhex(whole.root.id)
    resource, scope = found.requests[0].resource_spans[0].resource, InstrumentationScope(name="stackflow")
    statement: dict[str, AttributeValue] = {
        "db__system__name": "postgresql", "stackflow__store": "main", "server__address": "db", "server__port": 5432,
        "db__namespace": "stackflow", "db__query__summary": "teams_by_ids",
    }  # fmt: skip
    spans = [
        Span(
            trace_id=trace, span_id=root, parent_span_id=bytes.fromhex(PARENT), name="GraphQL Operation",
            kind=Span.SPAN_KIND_SERVER, start_time_unix_nano=whole.root.begin_ns, flags=LOCAL | REMOTE,
            end_time_unix_nano=whole.root.end_ns, status=Status(code=Status.STATUS_CODE_UNSET),
            attributes=attributes(
                stackflow__document="0123", some=1.5, **{"is": True}, stackflow__request_id="r-1",
                error__type="NOT_FOUND",
            ),
        ),
        *(
            Span(
                trace_id=trace, span_id=bytes.fromhex(part.id), parent_span_id=root, name="teams_by_ids",
                kind=Span.SPAN_KIND_CLIENT, start_time_unix_nano=part.begin_ns, flags=LOCAL,
                end_time_unix_nano=part.end_ns, status=Status(code=code),
                attributes=attributes(
                    **statement, db__response__returned_rows=rows, stackflow__request_id="r-1", **error
                ),
            )
            for part, rows, code, error in (
                (first, 0, Status.STATUS_CODE_UNSET, {}),
                (second, 1, Status.STATUS_CODE_ERROR, {"error__type": "SourceTimeout"}),
            )
        ),
    ]  # fmt: skip
    assert found.requests == [
        ExportTraceServiceRequest(
            resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=spans)])]
        )
    ]


async def test_the_root_says_how_many_spans_there_are_no_more_of() -> None:
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev")
        async with exporter.run():
            exporter.export(made(201))
    spans = [span for each in found.requests for span in each.resource_spans[0].scope_spans[0].spans]
    dropped = [each.value for span in spans for each in span.attributes if each.key == "stackflow.spans.dropped"]
    assert (len(spans), spans[0].name, dropped) == (201, "GraphQL Operation", [AnyValue(int_value=1)])


async def told(seen: ObservabilitySettings, calls: int) -> None:
    async with export_traces(seen):
        for number in range(calls):
            with record_call(f"call {number}", SERVER, RequestContext()), record_span("part", CLIENT):
                await asyncio.sleep(0)


async def test_a_server_tells_its_collector_all_that_it_did_before_it_stops() -> None:
    with collector() as found:
        await told(ObservabilitySettings("dev", traces=TraceExporter.OTLP, collector=f"{found.url}/"), 3)
    assert found.batches == [[name for number in range(3) for name in (f"call {number}", "part")]]
    assert [each["Content-Type"] for each in found.headers] == ["application/x-protobuf"]
    resource = found.requests[0].resource_spans[0].resource
    assert resource == Resource(
        attributes=attributes(
            service__name="stackflow", service__version=version("stackflow"), deployment__environment__name="dev"
        )
    )


@pytest.mark.parametrize("traces", [TraceExporter.OFF, TraceExporter.XRAY])
async def test_a_server_tells_nobody_unless_it_is_on(traces: TraceExporter) -> None:
    with collector() as found:
        await told(ObservabilitySettings("dev", traces=traces, collector=found.url), 3)
    assert (found.asked, found.requests) == (0, [])


async def test_headers_are_those_of_the_environment_and_the_address_is_that_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with collector() as found:
        await told(ObservabilitySettings(traces=TraceExporter.OTLP, collector=found.url), 1)
    assert [each["x-key"] for each in found.headers] == ["secret"]


async def test_a_full_batch_does_not_wait() -> None:
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev", flush_seconds=NEVER)
        async with exporter.run():
            for _ in range(BATCH_SIZE):
                exporter.export(made(0))
            await until(lambda: found.requests)
            assert [len(each) for each in found.batches] == [BATCH_SIZE]


async def test_what_waits_is_sent_soon() -> None:
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev", flush_seconds=0.01)
        async with exporter.run():
            exporter.export(made(1))
            await until(lambda: found.requests)
            assert found.batches == [["GraphQL Operation", "teams_by_ids"]]


async def test_batches_are_of_a_bounded_size() -> None:
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev", flush_seconds=NEVER)
        async with exporter.run():
            for _ in range(2 * BATCH_SIZE + 1):
                exporter.export(made(0))
    assert [len(each) for each in found.batches] == [BATCH_SIZE, BATCH_SIZE, 1]


async def test_what_waits_is_bounded_and_the_oldest_give_way() -> None:
    with collector() as found:
        found.free.clear()
        exporter = OtlpExporter(found.url, "dev", max_waiting=2, flush_seconds=NEVER)
        async with exporter.run():
            for number in range(2):
                exporter.export(made(0, name=str(number)))
            # Those are on their way.
            await until(lambda: found.asked)
            for number in range(2, 7):
                exporter.export(made(0, name=str(number)))
            found.free.set()
    assert found.batches == [["0", "1"], ["5", "6"]]


async def test_a_batch_that_cannot_be_encoded_is_lost_and_the_next_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev", flush_seconds=0.001)
        async with exporter.run():
            exporter.export(made(0, name="half \ud800"))
            await until(lambda: caplog.records)
            exporter.export(made(0, name="whole"))
    assert found.batches == [["whole"]]
    assert [each.getMessage().split(":")[0] for each in caplog.records] == ["Failed to encode span batch"]


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "refusing"])
async def test_a_collector_that_takes_none_is_told_of_once(
    gone: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each batch is tried twice: the first retry comes after 0.8 to 1.2 seconds, and the second after more than 1.6.
    monkeypatch.setattr(otlp, "SEND_TIMEOUT_SECONDS", 1.5)
    lines: list[str] = []
    with collector() as found:
        found.status = 503
        exporter = OtlpExporter("http://127.0.0.1:1" if gone else found.url, "dev", flush_seconds=0.001)
        logger = logging.getLogger(SDK_LOGGERS[0])

        def spy(record: logging.LogRecord) -> bool:
            lines.append(record.getMessage())
            return True

        monkeypatch.setattr(logger, "filters", [spy, *logger.filters])
        async with exporter.run():
            for number in (1, 2):
                exporter.export(made(0))
                await until(lambda count=2 * number: len(lines) == count)  # type: ignore[misc]
    assert found.requests == []
    assert [each.startswith("Transient error ") for each in lines] == [True, False] * 2
    (line,) = caplog.records
    assert ("Connection refused" if gone else "Service Unavailable") in line.getMessage()


async def test_a_collector_that_hangs_holds_up_neither_the_loop_nor_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "STOP_TIMEOUT_SECONDS", 1.0)
    turns: list[float] = []

    async def turn() -> None:
        while True:
            turns.append(time.monotonic())
            await asyncio.sleep(0.01)

    with collector() as found:
        found.free.clear()
        exporter = OtlpExporter(found.url, "dev", flush_seconds=0.001)
        turning = asyncio.create_task(turn())
        async with exporter.run():
            exporter.export(made(0))
            await until(lambda: found.asked)
            begin = time.monotonic()
        assert 1.0 <= time.monotonic() - begin < 3.0
        turning.cancel()
    assert max(after - before for before, after in itertools.pairwise(turns)) < 0.5


async def test_a_call_goes_on_with_the_trace_of_its_caller_unless_he_keeps_none() -> None:
    exporter = OtlpExporter("http://127.0.0.1:1", "dev")
    came = exporter.trace_context(RequestContext(trace=TRACE, parent=PARENT, sampled=True))
    assert came is not None
    assert (came.trace, came.parent) == (TRACE, PARENT)
    assert exporter.trace_context(RequestContext(trace=TRACE, parent=PARENT, sampled=False)) is None
    new, other = exporter.trace_context(RequestContext()), exporter.trace_context(RequestContext())
    assert new is not None
    assert other is not None
    assert (len(new.trace), len({new.trace, other.trace}), new.parent) == (32, 2, "")


async def test_nothing_is_recorded_once_a_server_has_stopped() -> None:
    with collector() as found:
        await told(ObservabilitySettings(traces=TraceExporter.OTLP, collector=found.url), 1)
        with record_call("late", SERVER, RequestContext()) as whole:
            assert (whole, current_recording()) == (None, None)
