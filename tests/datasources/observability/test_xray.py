"""Spans as X-Ray's daemon gets them: by the rules of its documents, over real UDP, and only what Lambda samples."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasources.observability.spans import (
    CLIENT,
    INTERNAL,
    MAX_SPANS,
    PRODUCER,
    SERVER,
    Span,
    SpanKind,
    record_call,
    record_span,
    use_exporter,
)
from datasources.observability.xray import MAX_DATAGRAM_BYTES, XRayExporter, encode_datagrams
from datasources.request import RequestContext
from tests.fixtures.spans import AMAZON, PARENT, TRACE, daemon, made, segment


def subsegments(whole: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = whole.get("subsegments", [])
    return found


def test_a_call_is_one_datagram_with_its_parts() -> None:
    recording = made(2, **{"graphql.operation.name": "teams"})
    (datagram,) = encode_datagrams(recording)
    found = segment(datagram)
    assert (found["trace_id"], found["id"], found["name"]) == (
        "1-67891233-abcdef012345678912345678", recording.root.id, "GraphQL Operation",
    )  # fmt: skip
    assert b'"parent_id":"00f067aa0ba902b7"' in datagram
    assert (found["annotations"], "namespace" in found) == ({"request_id": "r-1", "operation": "teams"}, False)
    assert [
        (each["name"], each["namespace"], each["annotations"], each["sql"], each["metadata"]["stackflow"]["name"])
        for each in subsegments(found)
    ] == [
        (
            "PostgreSQL main", "remote", {"request_id": "r-1", "operation": "teams", "statement": "teams_by_ids"},
            {"database_type": "PostgreSQL", "url": "postgresql://db:5432/stackflow"}, "teams_by_ids",
        )
    ] * 2  # fmt: skip


def test_what_is_too_much_for_a_datagram_goes_in_several() -> None:
    recording = made(MAX_SPANS + 1)
    recording.spans[0].attributes["long"] = "x" * 20_000
    first, *others = map(segment, encode_datagrams(recording))
    assert (first["id"], subsegments(first), first["metadata"]["stackflow"]["dropped"]) == (recording.root.id, [], 1)
    assert [each["id"] for each in others] == [each.id for each in recording.spans]
    assert {each["trace_id"] for each in others} == {first["trace_id"]}
    parents = {each.split(b'"parent_id":"')[1][:16].decode() for each in list(encode_datagrams(recording))[1:]}
    assert parents == {recording.root.id}


def test_a_datagram_is_full_to_the_last_byte_before_there_are_two() -> None:
    recording = made()
    recording.root.attributes["long"] = ""
    (least,) = encode_datagrams(recording)
    # Times are written as short as they can be read back.
    recording.root.attributes["long"] = "x" * (MAX_DATAGRAM_BYTES - len(least))
    assert [len(each) for each in encode_datagrams(recording)] == [MAX_DATAGRAM_BYTES]
    recording.root.attributes["long"] = "x" * (MAX_DATAGRAM_BYTES - len(least) + 1)
    assert len(list(encode_datagrams(recording))) == 2


@pytest.mark.parametrize(
    ("kind", "attributes", "told"),
    [
        (CLIENT, {"db.system.name": "gremlin", "db.operation.name": "reach"}, ("Neptune", "remote", "reach")),
        (CLIENT, {"db.system.name": "redis", "db.operation.name": "MGET"}, ("Redis", "remote", "MGET")),
        (CLIENT, {"server.address": "issuer.example"}, ("issuer.example", "remote", None)),
        (INTERNAL, {}, ("wait for a connection", None, None)),
    ],
)
def test_each_store_is_a_node_of_the_map(
    kind: SpanKind, attributes: dict[str, str], told: tuple[str, str | None, str | None]
) -> None:
    recording = made(0)
    end = recording.root.end_ns
    recording.spans.append(Span("wait for a connection", kind, end, end, {**attributes}, parent=recording.root.id))
    (part,) = subsegments(segment(next(iter(encode_datagrams(recording)))))
    assert (part["name"], part.get("namespace"), part["annotations"].get("statement")) == told


def test_a_queue_is_of_aws() -> None:
    recording = made(0)
    end = recording.root.end_ns
    attributes: dict[str, str | int | float | bool] = {
        "messaging.system": "aws_sqs", "messaging.operation.name": "SendMessageBatch",
        "aws.sqs.queue.url": "https://sqs.example/1/q",
    }  # fmt: skip
    recording.spans.append(Span("send q", PRODUCER, end, end, attributes, "SourceRefused", True, recording.root.id))
    (part,) = subsegments(segment(next(iter(encode_datagrams(recording)))))
    assert (part["name"], part["namespace"], part["aws"]) == (
        "SQS", "aws", {"operation": "SendMessageBatch", "queue_url": "https://sqs.example/1/q"},
    )  # fmt: skip
    assert (part["fault"], "error" in part, part["cause"]) == (True, False, {"exceptions": [{"type": "SourceRefused"}]})


def test_models_are_one_node_of_the_map() -> None:
    recording = made(0)
    end = recording.root.end_ns
    for name in ("chat one.model", "chat other.model"):
        attributes: dict[str, str | int | float | bool] = {"gen_ai.provider.name": "aws.bedrock"}
        recording.spans.append(Span(name, CLIENT, end, end, attributes, parent=recording.root.id))
    parts = subsegments(segment(next(iter(encode_datagrams(recording)))))
    assert [(part["name"], part["namespace"]) for part in parts] == [("Bedrock", "remote")] * 2


@given(name=st.text(), error=st.sampled_from(["", "NOT_FOUND"]), attribute=st.text(max_size=300))
def test_whatever_a_name_is_the_document_keeps_the_rules(name: str, error: str, attribute: str) -> None:
    recording = made(1)
    recording.root.name, recording.root.error = name, error
    recording.spans[0].name = name
    recording.spans[0].attributes |= {"stackflow.store": attribute}
    (datagram,) = encode_datagrams(recording)
    found = segment(datagram)
    assert (found.get("error", False), "fault" in found) == (bool(error), False)


def test_what_lambda_samples_goes_to_the_daemon_and_nothing_else() -> None:
    headers = [AMAZON, AMAZON.replace("Sampled=1", "Sampled=0"), "", AMAZON.replace(f"Parent={PARENT};", "")]
    with daemon() as listening:
        exporter = XRayExporter(listening.address, lambda: headers[0])
        with use_exporter(exporter):
            while headers:
                # The gateway's own header is of another parent.
                call = RequestContext(trace=TRACE, parent="f" * 16, sampled=True)
                with record_call(headers[0] or "none", SERVER, call), record_span("part", CLIENT):
                    pass
                headers.pop(0)
        exporter.close()
        (datagram,) = listening.received()
    assert segment(datagram)["trace_id"] == "1-67891233-abcdef012345678912345678"
    assert f'"parent_id":"{PARENT}"'.encode() in datagram


# The system refuses to send to everybody.
@pytest.mark.parametrize("address", ["127.0.0.1:1", "255.255.255.255:2000"])
def test_a_daemon_that_cannot_be_told_harms_nobody(address: str) -> None:
    exporter = XRayExporter(address, lambda: AMAZON)
    for _ in range(3):
        exporter.export(made())
    exporter.close()
