"""The workers as AWS runs them: SQS's batches, the deploy's event, and the clock's."""

import asyncio
import json
from typing import Any

import psycopg

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.events import rows, state, upserted
from tests.lambda_.conftest import Landscape, Start
from workers.migrations import PHASES, pending_migrations

CREATED = {"RequestType": "Create", "ResourceProperties": {"Phase": "pre", "Bundle": "0" * 64}}


def stores(main: str, requirements: str) -> dict[str, str]:
    return {"DATABASE_URL": main, "REQUIREMENTS_URL": requirements, "REDIS_URL": "off"}


def record(id: str, group: str, body: Any) -> dict[str, Any]:
    """One message as a mapping of SQS gives it."""
    return {
        "messageId": id,
        "receiptHandle": f"receipt-{id}",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": group, "MessageDeduplicationId": id},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:StackFlow-Events-Ingestion.fifo",
        "awsRegion": "us-east-1",
    }


async def test_a_batch_is_answered_in_part(start: Start, url: str) -> None:
    function = start("workers.events.handler", stores(url, url))
    batch = [
        record("m1", "one", upserted("1", "a")),
        record("m2", "two", "no event"),
        record("m3", "two", upserted("3", "b")),
        record("m4", "one", upserted("4", "c")),
    ]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
                           "BEGIN RAISE 'no dead letter today'; END $$")  # fmt: skip
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON dead_letters EXECUTE FUNCTION refuse()")
        try:
            reply = await asyncio.to_thread(function.call, {"Records": batch})
        finally:
            connection.execute("DROP FUNCTION refuse CASCADE")
    # What can never work could not be buried, so it comes again, and behind it the rest of its group.
    assert reply.result == {"batchItemFailures": [{"itemIdentifier": "m2"}, {"itemIdentifier": "m3"}]}
    reply = await asyncio.to_thread(function.call, {"Records": batch[1:3]})
    assert reply.result == {"batchItemFailures": []}
    assert [item[0] for item in state(url)[0]] == ["a", "b", "c"]
    assert rows(url, "SELECT attempt, group_key FROM dead_letters") == [(1, "two")]


async def test_migrations_are_run_before_and_after(start: Start, postgres: EmbeddedPostgres) -> None:
    urls = {}
    for name in ("main", "requirements"):
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE deployed_{name}")
        urls[name] = postgres.url(f"deployed_{name}")
    expected = {
        phase: sum(len(pending_migrations(name, url, (phase,))) for name, url in urls.items()) for phase in PHASES
    }
    assert expected["pre"] > 10
    function = start("workers.migrations.handler", stores(**urls))
    told = []
    for kind, phase in (("Create", "pre"), ("Create", "post"), ("Update", "pre"), ("Delete", "pre")):
        event = {"RequestType": kind, "ResourceProperties": {"Phase": phase, "Bundle": "0" * 64}}
        reply = await asyncio.to_thread(function.call, event)
        assert reply.error is None, function.said()
        told.append(reply.result["Data"]["Applied"])
    assert told == [expected["pre"], expected["post"], 0, 0]
    assert [pending_migrations(name, url) for name, url in urls.items()] == [[], []]


async def test_a_migration_that_cannot_run_stops_the_deploy(start: Start) -> None:
    lost = "postgresql://someone:hidden@127.0.0.1:1/none"
    function = start("workers.migrations.handler", stores(lost, lost))
    reply = await asyncio.to_thread(function.call, CREATED)
    assert reply.error["errorType"] == "SourceUnavailable"
    assert reply.error["errorMessage"].startswith("main cannot be reached")
    assert "hidden" not in json.dumps(reply.error) + function.said()


async def test_a_phase_that_is_none_stops_the_deploy(start: Start) -> None:
    function = start("workers.migrations.handler", {})
    event = {"RequestType": "Create", "ResourceProperties": {"Phase": "during"}}
    reply = await asyncio.to_thread(function.call, event)
    assert "'during' is not a phase" in reply.error["errorMessage"]


async def test_the_clock_is_answered_again_and_again(start: Start, landscape: Landscape) -> None:
    expected = {
        "workers.projection.handler": {"rows", "nodes", "edges", "refused"},
        "workers.requirements.handler": {"rows"},
        "workers.workflows.handler": {"done"},
    }
    for handler, names in expected.items():
        function = start(handler, landscape.variables)
        for _ in range(2):
            reply = await asyncio.to_thread(function.call, {"source": "aws.scheduler"})
            assert reply.error is None, function.said()
            assert reply.result.keys() == names
