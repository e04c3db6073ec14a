"""Writes that meet another transaction half done: they wait for it, and see what it did."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.writing import Writer, alone, codes, database, uuid

WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"


@pytest.fixture
async def writer(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Writer]:
    # Whoever waits is looked for in the whole server, and classes are seen by everyone.
    opened = alone(database(postgres, request.node.originalname[:60]))
    yield opened
    await opened.sources.close()


async def behind(writer: Writer, done: str, values: list[object], mutation: str, **input: Any) -> Any:
    """The payload of a mutation that is sent while another transaction has done something and not committed yet."""
    with psycopg.connect(writer.url) as other:
        other.execute(done.encode(), values)
        sent = asyncio.ensure_future(writer.write(mutation, **input))
        while not sent.done() and not writer.rows(WAITING):
            await asyncio.sleep(0.01)
        other.commit()
        return await sent


async def test_two_who_change_classes_close_no_circle(writer: Writer) -> None:
    done = "UPDATE configuration_item_classes SET parent_key = 'database' WHERE key = 'service'"
    asked = {"key": "database", "name": "Database", "parentKey": "service"}
    payload = await behind(writer, done, [], "defineConfigurationItemClass", **asked)
    assert codes(payload) == [("INVALID", "parentKey")]


async def test_who_relates_takes_the_impact_that_is_being_defined(writer: Writer) -> None:
    a, b = await writer.item("a"), await writer.item("b")
    done = "UPDATE relationship_types SET impact = 'REVERSE' WHERE key = 'feeds'"
    payload = await behind(writer, done, [], "relateConfigurationItems", fromId=a, toId=b, typeKey="feeds")
    assert codes(payload) == []
    assert writer.rows("SELECT impact_from_id::text FROM relationships") == [(uuid(b),)]


async def test_the_impact_of_a_type_that_is_being_used_stays(writer: Writer) -> None:
    done = """WITH held AS MATERIALIZED (SELECT key FROM relationship_types WHERE key = 'feeds' FOR SHARE)
        INSERT INTO relationships (id, from_id, to_id, type_key, source, impact_from_id, impact_to_id)
        SELECT gen_random_uuid(), %s, %s, key, 'manual', %s, %s FROM held"""
    a, b = uuid(await writer.item("a")), uuid(await writer.item("b"))
    asked = {"key": "feeds", "label": "feeds", "inverseLabel": "is fed by", "impact": "NONE"}
    payload = await behind(writer, done, [a, b, a, b], "defineRelationshipType", **asked)
    assert codes(payload) == [("ILLEGAL_STATE", "impact")]


async def test_an_item_that_is_being_retired_is_not_related(writer: Writer) -> None:
    a, b = await writer.item("a"), await writer.item("b")
    done = "UPDATE configuration_items SET status = 'RETIRED' WHERE id = %s"
    asked = {"fromId": a, "toId": b, "typeKey": "feeds"}
    payload = await behind(writer, done, [uuid(b)], "relateConfigurationItems", **asked)
    assert codes(payload) == [("ILLEGAL_STATE", "toId")]


async def test_a_key_that_is_being_given_to_another_is_taken(writer: Writer) -> None:
    a, b = await writer.item("a"), await writer.item("b")
    done = "INSERT INTO configuration_item_keys VALUES ('cmdb', 'k', %s)"
    asked = {"configurationItemId": b, "source": "cmdb", "key": "k"}
    payload = await behind(writer, done, [uuid(a)], "addIdentificationKey", **asked)
    assert codes(payload) == [("TAKEN", "key")]
