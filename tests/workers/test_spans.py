"""Batches and rounds of workers are traces of their own, and those that found nothing to do are none."""

import json

import pytest

from datasources.observability import logs
from datasources.observability.spans import CONSUMER, INTERNAL, use_exporter
from datasources.observability.xray import XRayExporter
from datasources.queues.factory import open_queues
from datasources.sources import Sources
from resolvers.events.ingest import ingest_events
from resolvers.projection.follow import OutboxProjector
from resolvers.projection.requirements import follow
from tests.fixtures.events import upserted
from tests.fixtures.spans import AMAZON, Kept, daemon, segment
from workers import events, workflows

# As long as the machine makes it.
WAIT = "wait for a connection"


async def test_a_batch_of_events_and_the_round_that_follows_are_traces(sources: Sources) -> None:
    queues = open_queues(sources.main)
    told = await ingest_events(
        queues.events, [json.dumps(upserted(str(each), f"i{each}")).encode() for each in range(3)], "r"
    )
    assert told.refused == []
    kept = Kept()
    follower = OutboxProjector(sources)
    # What the fixtures wrote.
    await follower.run_round()
    with use_exporter(kept):
        assert [await events.process_batch(sources, queues.events) for _ in range(2)] == [3, 0]
        rows = [(await follower.run_round()).rows for _ in range(2)]
        assert (await follow(sources)).rows == 0
        assert await workflows.run_round(sources, queues) == 0
    batch, round_ = kept.recordings
    assert (batch.root.name, batch.root.kind, batch.root.attributes) == (
        "events", CONSUMER, {"messaging.batch.message_count": 3},
    )  # fmt: skip
    assert (round_.root.name, round_.root.kind, round_.root.attributes) == (
        "projection", INTERNAL, {"stackflow.rows": rows[0]},
    )  # fmt: skip
    assert rows == [3, 0]
    for each in kept.recordings:
        assert {span.attributes.get("stackflow.store") for span in each.spans if span.name != WAIT} == {"main"}
        assert each.request_id not in {"", "r"}


async def test_a_function_tells_x_ray_under_the_segment_of_its_call(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_invocation", logs.Invocation())
    record = {"messageId": "m1", "body": json.dumps(upserted("9", "i9")), "attributes": {"MessageGroupId": "g"}}
    with daemon() as listening:
        exporter = XRayExporter(listening.address, logs.invocation_trace)
        with use_exporter(exporter):
            for header in (AMAZON, AMAZON.replace("Sampled=1", "Sampled=0"), None):
                if header is None:
                    monkeypatch.delenv("_X_AMZN_TRACE_ID")
                else:
                    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
                logs.begin_invocation(object())
                answer = await events.partial_response(sources, open_queues(sources.main).events, [record])
                assert answer == {"batchItemFailures": []}
        exporter.close()
        (datagram,) = listening.received()
    found = segment(datagram)
    assert (found["name"], found["trace_id"]) == ("events", "1-67891233-abcdef012345678912345678")
    assert {each["name"] for each in found["subsegments"]} - {WAIT} == {"PostgreSQL main"}
    assert b'"parent_id":"00f067aa0ba902b7"' in datagram
