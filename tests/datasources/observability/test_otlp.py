"""Spans as a collector gets them: the JSON of OTLP over real HTTP, in batches, and no harm where nobody listens."""

import asyncio
import logging
from typing import Any

import orjson
import pytest

from datasources.config import ObservabilitySettings, TraceExporter
from datasources.observability.otlp import BATCH_SIZE, OtlpExporter, encode_request
from datasources.observability.spans import CLIENT, SERVER, current_recording, record_call, record_span
from datasources.observability.tracing import export_traces
from datasources.request import RequestContext
from tests.fixtures.spans import PARENT, TRACE, collector, made


def attributes(of: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in of}


def test_a_request_is_as_the_protocol_says() -> None:
    whole = made(1, **{"stackflow.document": "0123"})
    (part,) = whole.spans
    whole.root.attributes |= {"some": 1.5, "is": True}
    whole.root.error = "NOT_FOUND"
    part.error, part.fault = "SourceTimeout", True
    assert orjson.loads(encode_request([whole], [{"key": "service.name", "value": {"stringValue": "stackflow"}}])) == {
        "resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "stackflow"}}]},
            "scopeSpans": [{
                "scope": {"name": "stackflow"},
                "spans": [
                    {
                        "traceId": TRACE, "spanId": whole.root.id, "parentSpanId": PARENT,
                        "name": "GraphQL Operation", "kind": 2,
                        "startTimeUnixNano": str(whole.root.begin_ns), "endTimeUnixNano": str(whole.root.end_ns),
                        "attributes": [
                            {"key": "stackflow.document", "value": {"stringValue": "0123"}},
                            {"key": "some", "value": {"doubleValue": 1.5}},
                            {"key": "is", "value": {"boolValue": True}},
                            {"key": "stackflow.request_id", "value": {"stringValue": "r-1"}},
                            {"key": "error.type", "value": {"stringValue": "NOT_FOUND"}},
                        ],
                        "status": {},
                    },
                    {
                        "traceId": TRACE, "spanId": part.id, "parentSpanId": whole.root.id,
                        "name": "teams_by_ids", "kind": 3,
                        "startTimeUnixNano": str(part.begin_ns), "endTimeUnixNano": str(part.end_ns),
                        "attributes": [
                            {"key": "db.system.name", "value": {"stringValue": "postgresql"}},
                            {"key": "stackflow.store", "value": {"stringValue": "main"}},
                            {"key": "server.address", "value": {"stringValue": "db"}},
                            {"key": "server.port", "value": {"intValue": "5432"}},
                            {"key": "db.namespace", "value": {"stringValue": "stackflow"}},
                            {"key": "db.query.summary", "value": {"stringValue": "teams_by_ids"}},
                            {"key": "db.response.returned_rows", "value": {"intValue": "0"}},
                            {"key": "stackflow.request_id", "value": {"stringValue": "r-1"}},
                            {"key": "error.type", "value": {"stringValue": "SourceTimeout"}},
                        ],
                        "status": {"code": 2},
                    },
                ],
            }],
        }],
    }  # fmt: skip


def test_the_root_says_how_many_spans_there_are_no_more_of() -> None:
    whole = made(201)
    spans = orjson.loads(encode_request([whole]))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    dropped = [attributes(each["attributes"]).get("stackflow.spans.dropped") for each in spans]
    assert dropped == [{"intValue": "1"}] + [None] * 200


async def told(seen: ObservabilitySettings, calls: int) -> None:
    async with export_traces(seen):
        for number in range(calls):
            with record_call(f"call {number}", SERVER, RequestContext()), record_span("part", CLIENT):
                await asyncio.sleep(0)


async def test_a_server_tells_its_collector_all_that_it_did_before_it_stops() -> None:
    with collector() as found:
        await told(ObservabilitySettings("dev", traces=TraceExporter.OTLP, collector=f"{found.url}/"), 3)
    assert [each["name"] for each in found.spans] == [
        name for number in range(3) for name in (f"call {number}", "part")
    ]
    assert found.kinds == {"application/json"}
    resource = attributes(orjson.loads(found.bodies[0])["resourceSpans"][0]["resource"]["attributes"])
    assert (resource["service.name"], resource["deployment.environment.name"]) == (
        {"stringValue": "stackflow"}, {"stringValue": "dev"},
    )  # fmt: skip
    assert resource.keys() == {"service.name", "service.version", "deployment.environment.name"}


@pytest.mark.parametrize("traces", [TraceExporter.OFF, TraceExporter.XRAY])
async def test_a_server_tells_nobody_unless_it_is_on(traces: TraceExporter) -> None:
    with collector() as found:
        await told(ObservabilitySettings("dev", traces=traces, collector=found.url), 3)
    assert found.bodies == []


async def test_a_full_batch_does_not_wait() -> None:
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev", flush_seconds=3_600.0)
        async with exporter.run():
            for _ in range(BATCH_SIZE):
                exporter.export(made(0))
            async with asyncio.timeout(30):
                while exporter.sent < BATCH_SIZE:
                    await asyncio.sleep(0.01)
        assert [len(orjson.loads(each)["resourceSpans"][0]["scopeSpans"][0]["spans"]) for each in found.bodies] == [
            BATCH_SIZE
        ]


async def test_batches_are_of_a_bounded_size() -> None:
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev", flush_seconds=3_600.0)
        async with exporter.run():
            for _ in range(2 * BATCH_SIZE + 1):
                exporter.export(made(0))
        sizes = [len(orjson.loads(each)["resourceSpans"][0]["scopeSpans"][0]["spans"]) for each in found.bodies]
    assert (sizes, exporter.sent, exporter.lost) == ([BATCH_SIZE, BATCH_SIZE, 1], 2 * BATCH_SIZE + 1, 0)


async def test_what_waits_is_bounded_and_the_oldest_give_way() -> None:
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev", max_waiting=2, flush_seconds=3_600.0)
        async with exporter.run():
            for number in range(5):
                exporter.export(made(0, name=str(number)))
    assert ([each["name"] for each in found.spans], exporter.sent, exporter.lost) == (["3", "4"], 2, 3)


async def test_a_batch_that_is_no_json_is_lost_and_the_next_is_sent() -> None:
    with collector() as found:
        exporter = OtlpExporter(found.url, "dev", flush_seconds=0.0)
        async with exporter.run():
            exporter.export(made(0, name="half \ud800"))
            async with asyncio.timeout(30):
                while not exporter.lost:
                    await asyncio.sleep(0.01)
            exporter.export(made(0, name="whole"))
    assert ([each["name"] for each in found.spans], exporter.sent, exporter.lost) == (["whole"], 1, 1)


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "refusing"])
async def test_a_collector_that_takes_none_is_told_of_once(gone: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "stackflow.spans")
    with collector() as found:
        url, found.status = found.url, 503
        if gone:
            url = "http://127.0.0.1:1"
        exporter = OtlpExporter(url, "dev", flush_seconds=0.0)
        async with exporter.run():
            for number in range(1, 4):
                with record_call("call", SERVER, RequestContext()) as whole:
                    assert whole is not None
                async with asyncio.timeout(30):
                    while exporter.lost < number:
                        await asyncio.sleep(0.01)
    assert (exporter.sent, exporter.lost) == (0, 3)
    (line,) = caplog.records
    assert (line.message, line.__dict__["problem"]) == (
        "the collector takes no spans", "ConnectError" if gone else "HTTPStatusError",
    )  # fmt: skip


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
