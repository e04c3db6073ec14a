"""Configuration items made by mutation: the row, its audit entry, its outbox row, and calls that are repeated."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from datasources.aurora.database import Database
from datasources.cache.off import NoCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.sources import Sources
from tests.fixtures.databases import ask, create_database, person

CREATE = """mutation ($input: CreateConfigurationItemInput!) {
  createConfigurationItem(input: $input) {
    configurationItem { id name classKey status version attributes }
    userErrors { code field message }
  }
}"""
WRITER = person("configuration-items:write", "configuration-items:read")


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    made = create_database(postgres, "item_mutations")
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service')")
    return made


@pytest.fixture
async def sources(url: str) -> AsyncIterator[Sources]:
    main = Database("main", url)
    yield Sources(main, main, RecursiveGraph(main), NoCache())
    await main.close()


async def create(sources: Sources, **input: Any) -> Any:
    answer = await ask(sources, CREATE, WRITER, input=input)
    assert answer.errors == []
    return answer.data["createConfigurationItem"]


def rows(url: str, text: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(text.encode()).fetchall()


async def test_an_item_is_made_and_what_was_done_is_told(sources: Sources, url: str) -> None:
    made = await create(sources, name=" shop ", classKey="service", attributes={"tier": 1})
    item = made["configurationItem"]
    assert made["userErrors"] == []
    assert item == {
        "id": item["id"], "name": "shop", "classKey": "service", "status": "ACTIVE", "version": 1,
        "attributes": {"tier": 1},
    }  # fmt: skip
    uuid = item["id"].removeprefix("ci_")
    [audit] = rows(url, f"SELECT action, principal, before, after->>1 FROM audit_entries WHERE entity_id = '{uuid}'")
    assert audit == ("CreateConfigurationItem", WRITER.name, None, "shop")
    [outbox] = rows(url, f"SELECT entity, change, request_id <> '' FROM outbox WHERE entity_id = '{uuid}'")
    assert outbox == ("CONFIGURATION_ITEM", "CREATED", True)


@pytest.mark.parametrize(
    ("input", "code", "field"),
    [
        ({"name": "  ", "classKey": "service"}, "INVALID", "name"),
        ({"name": "a", "classKey": "unknown"}, "NOT_FOUND", "classKey"),
        ({"name": "a", "classKey": "service", "ownerTeamId": "ci_00000000-0000-4000-8000-000000000001"},
         "INVALID", "ownerTeamId"),
    ],
)  # fmt: skip
async def test_a_broken_rule_writes_nothing(sources: Sources, url: str, input: Any, code: str, field: str) -> None:
    before = rows(url, "SELECT count(*) FROM outbox")
    made = await create(sources, **input)
    assert made["configurationItem"] is None
    assert [(each["code"], each["field"]) for each in made["userErrors"]] == [(code, field)]
    assert rows(url, "SELECT count(*) FROM outbox") == before


async def test_a_repeated_call_is_done_once_also_at_the_same_time(sources: Sources, url: str) -> None:
    input = {"name": "twice", "classKey": "service", "idempotencyKey": "k1"}
    answers = await asyncio.gather(*(create(sources, **input) for _ in range(5)))
    assert len({answer["configurationItem"]["id"] for answer in answers}) == 1
    assert rows(url, "SELECT count(*) FROM configuration_items WHERE name = 'twice'") == [(1,)]
    other = await create(sources, **(input | {"name": "another"}))
    assert [each["code"] for each in other["userErrors"]] == ["KEY_REUSED"]


async def test_who_may_not_write_writes_nothing(sources: Sources, url: str) -> None:
    answer = await ask(sources, CREATE, person("configuration-items:read"), input={"name": "a", "classKey": "service"})
    assert answer.codes == ["FORBIDDEN"]
    assert rows(url, "SELECT count(*) FROM configuration_items WHERE name = 'a'") == [(0,)]
