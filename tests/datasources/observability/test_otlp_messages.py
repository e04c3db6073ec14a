"""What a collector gets is a request of OpenTelemetry's own messages, field for field."""

import base64
from typing import Any

import orjson
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from datasources.observability.otlp import encode_request
from tests.fixtures.spans import PARENT, TRACE, made


def test_a_request_is_one_of_the_protocol() -> None:
    whole = made(2, **{"stackflow.document": "0123"})
    whole.root.attributes |= {"float": 1.5, "flag": True}
    whole.spans[1].error, whole.spans[1].fault = "SourceTimeout", True
    request = orjson.loads(encode_request([whole], [{"key": "service.name", "value": {"stringValue": "stackflow"}}]))
    spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for span in spans:
        _as_protobuf_writes_ids(span)
    # An unknown field, or a value of a wrong type, is an error here.
    read: Any = json_format.ParseDict(request, ExportTraceServiceRequest())
    (resource,) = read.resource_spans
    assert [(each.key, each.value.string_value) for each in resource.resource.attributes] == [
        ("service.name", "stackflow")
    ]
    root, first, second = resource.scope_spans[0].spans
    assert [each.name for each in (root, first, second)] == ["GraphQL Operation", "teams_by_ids", "teams_by_ids"]
    assert [each.kind for each in (root, first)] == [Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT]
    assert {each.trace_id.hex() for each in (root, first, second)} == {TRACE}
    assert (root.span_id.hex(), root.parent_span_id.hex()) == (whole.root.id, PARENT)
    assert {each.parent_span_id for each in (first, second)} == {root.span_id}
    assert (first.start_time_unix_nano, first.end_time_unix_nano) == (whole.spans[0].begin_ns, whole.spans[0].end_ns)
    assert [each.status.code for each in (root, first, second)] == [
        Status.STATUS_CODE_UNSET, Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR,
    ]  # fmt: skip
    values = {each.key: each.value.WhichOneof("value") for each in (*root.attributes, *second.attributes)}
    assert values == {
        "stackflow.document": "string_value", "float": "double_value", "flag": "bool_value",
        "stackflow.request_id": "string_value", "db.system.name": "string_value", "stackflow.store": "string_value",
        "server.address": "string_value", "server.port": "int_value", "db.namespace": "string_value",
        "db.query.summary": "string_value", "db.response.returned_rows": "int_value", "error.type": "string_value",
    }  # fmt: skip


def _as_protobuf_writes_ids(span: dict[str, Any]) -> None:
    # OTLP writes ids in hexadecimal; protobuf's own JSON, which reads the rest, in Base64.
    for name in ("traceId", "spanId", "parentSpanId"):
        span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
