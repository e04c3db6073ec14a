"""The law of restricted documents: outside its team one is in no list, count, group, filter, link, search or cache."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from datasources.aurora.outbox.write_log import PostgresWriteLog
from datasources.cache.redis.adapter import RedisCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.valkey import EmbeddedValkey
from tests.fixtures.operations import DOCUMENT, ITEM, TEAM, Operations, opened, uuid

SECRET = f"doc_{uuid(DOCUMENT, 2)}"

# Every way to a document, what its team sees there, and what others see. KB2, 'How payments flow' about shop and
# ledger, is restricted to payments.
WAYS: dict[str, tuple[str, Any, Any]] = {
    "by key": ('document(key: "KB2") { key }', {"key": "KB2"}, None),
    "by id": (
        f'document(id: "{SECRET}") {{ key body restrictedTeam {{ key }} team {{ key }} }}',
        {"key": "KB2", "body": "Shop to ledger.", "restrictedTeam": {"key": "payments"}, "team": None},
        None,
    ),
    "as node": (f'node(id: "{SECRET}") {{ id }}', {"id": SECRET}, None),
    "among nodes": (f'nodes(ids: ["{SECRET}"]) {{ id }}', [{"id": SECRET}], [None]),
    "list": (
        "documents(orderBy: {field: KEY}) { nodes { key body } }",
        {
            "nodes": [
                {"key": "KB1", "body": "Stop it. Start it."},
                {"key": "KB2", "body": "Shop to ledger."},
                {"key": "KB3", "body": ""},
            ]
        },
        {"nodes": [{"key": "KB1", "body": "Stop it. Start it."}, {"key": "KB3", "body": ""}]},
    ),
    "list from the end": (
        "documents(last: 2, orderBy: {field: KEY}) { nodes { key } pageInfo { hasPreviousPage } }",
        {"nodes": [{"key": "KB2"}, {"key": "KB3"}], "pageInfo": {"hasPreviousPage": True}},
        {"nodes": [{"key": "KB1"}, {"key": "KB3"}], "pageInfo": {"hasPreviousPage": False}},
    ),
    "whether more follow": (
        "documents(first: 2, orderBy: {field: KEY}) { pageInfo { hasNextPage } }",
        {"pageInfo": {"hasNextPage": True}},
        {"pageInfo": {"hasNextPage": False}},
    ),
    "count": ("documents { totalCount }", {"totalCount": 3}, {"totalCount": 2}),
    "filtered count": (
        'documents(filter: {title: {contains: "payments"}}) { totalCount }',
        {"totalCount": 1},
        {"totalCount": 0},
    ),
    "negated count": (
        'documents(filter: {not: {title: {contains: "redis"}}}) { totalCount }',
        {"totalCount": 2},
        {"totalCount": 1},
    ),
    "groups": (
        "documents { groups(by: KIND) { value count } }",
        {"groups": [{"value": "KNOWLEDGE", "count": 2}, {"value": "RUNBOOK", "count": 1}]},
        {"groups": [{"value": "KNOWLEDGE", "count": 1}, {"value": "RUNBOOK", "count": 1}]},
    ),
    "by way of configuration items": (
        'documents(filter: {configurationItems: {some: {name: {eq: "shop"}}}}) { totalCount nodes { key } }',
        {"totalCount": 1, "nodes": [{"key": "KB2"}]},
        {"totalCount": 0, "nodes": []},
    ),
    "configuration items": (
        """configurationItems(filter: {name: {in: ["ledger", "shop"]}}) { nodes { name
           documents { totalCount nodes { key } groups(by: KIND) { value } } } }""",
        {
            "nodes": [
                {
                    "name": "ledger",
                    "documents": {
                        "totalCount": 2,
                        "nodes": [{"key": "KB2"}, {"key": "KB1"}],
                        "groups": [{"value": "KNOWLEDGE"}, {"value": "RUNBOOK"}],
                    },
                },
                {
                    "name": "shop",
                    "documents": {"totalCount": 1, "nodes": [{"key": "KB2"}], "groups": [{"value": "KNOWLEDGE"}]},
                },
            ]
        },
        {
            "nodes": [
                {
                    "name": "ledger",
                    "documents": {"totalCount": 1, "nodes": [{"key": "KB1"}], "groups": [{"value": "RUNBOOK"}]},
                },
                {"name": "shop", "documents": {"totalCount": 0, "nodes": [], "groups": []}},
            ]
        },
    ),
    "activities of incidents": (
        'incident(number: "INC1") { activities { document { key } } }',
        {"activities": [{"document": None}, {"document": {"key": "KB2"}}, {"document": None}]},
        {"activities": [{"document": None}, {"document": None}, {"document": None}]},
    ),
    "search by words": (
        'search(text: "payments flow", kinds: [DOCUMENT]) { results { title } }',
        {"results": [{"title": "How payments flow"}]},
        {"results": []},
    ),
    "search by words of the body": (
        'search(text: "shop", kinds: [DOCUMENT]) { results { title excerpt } }',
        {"results": [{"title": "How payments flow", "excerpt": "Shop to ledger."}]},
        {"results": []},
    ),
    "search by key": (
        'search(text: "KB2", kinds: [DOCUMENT]) { results { title } }',
        {"results": [{"title": "How payments flow"}]},
        {"results": []},
    ),
    "search by likeness": (
        'search(text: "paymnets flow", kinds: [DOCUMENT]) { results { title } }',
        {"results": [{"title": "How payments flow"}]},
        {"results": []},
    ),
}


@pytest.fixture(scope="module")
async def plain(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "restricted_documents") as operations:
        with psycopg.connect(operations.url, autocommit=True) as connection:
            connection.execute("UPDATE documents SET restricted_team_id = %s WHERE key = 'KB2'", (uuid(TEAM, 1),))
            connection.execute("UPDATE incident_activities SET document_key = 'KB2' WHERE key = '2'")
        yield operations


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(Path(tmp_path_factory.mktemp("valkey")))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["plain", "cached"])
async def restricted(
    plain: Operations, valkey: EmbeddedValkey, request: pytest.FixtureRequest
) -> AsyncIterator[Operations]:
    """Without a cache, and with one that all callers share."""
    if request.param == "plain":
        yield plain
        return
    cache = RedisCache(valkey.url, write_log=PostgresWriteLog(plain.sources.main))
    yield replace(plain, sources=replace(plain.sources, cache=cache, cache_seconds=3_600.0))
    await cache.close()


def first(data: dict[str, Any]) -> Any:
    (value,) = data.values()
    return value


@pytest.mark.parametrize("way", WAYS)
async def test_only_its_team_and_who_reads_all_see_it(restricted: Operations, way: str) -> None:
    document, visible, hidden = WAYS[way]
    # Those who see it ask first, and so fill the cache, and again at the end.
    everything = frozenset({"incidents:read-restricted"})
    for team_keys, also, expected in (
        (("payments",), frozenset[str](), visible),
        ((), frozenset[str](), hidden),
        (("platform",), frozenset[str](), hidden),
        (("Payments", "payment", "payments "), frozenset[str](), hidden),
        ((), everything, visible),
        (("platform", "payments"), frozenset[str](), visible),
    ):
        caller = restricted.asked_by(*team_keys, also="search:read")
        caller = replace(caller, permissions=caller.permissions | also)
        assert first(await caller.data(f"{{ {document} }}")) == expected


async def test_hidden_and_unknown_ids_look_the_same(restricted: Operations) -> None:
    answers = [
        await restricted.ask(f'{{ document(id: "{id}") {{ key body }} node(id: "{id}") {{ id }} }}')
        for id in (SECRET, f"doc_{uuid(DOCUMENT, 77)}")
    ]
    assert (answers[0].data, answers[0].errors) == (answers[1].data, answers[1].errors)
    assert answers[0].data == {"document": None, "node": None}


async def test_the_items_of_a_document_do_not_lead_to_it(restricted: Operations) -> None:
    item = f"ci_{uuid(ITEM, 1)}"
    answer = await restricted.ask(f'{{ configurationItem(id: "{item}") {{ documents {{ nodes {{ title }} }} }} }}')
    assert answer.data == {"configurationItem": {"documents": {"nodes": []}}}
