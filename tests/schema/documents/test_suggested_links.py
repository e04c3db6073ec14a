"""Suggested links: found when a document is indexed, confirmed or rejected by people, hidden with their document."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from datasources.aurora.documents.suggestions import count_suggestions
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.documents.importing import DocumentImportOptions, import_documents
from resolvers.documents.indexing import index_documents
from tests.fixtures.answers import RACK, REDIS_01, Library, open_library
from tests.fixtures.databases import Answered
from tests.fixtures.operations import DOCUMENT, ITEM, TEAM, uuid

LINKS = """query ($key: String!) { document(key: $key) { suggestedLinks { count firstLine documentVersion
    configurationItem { name } } configurationItems(first: 20) { nodes { name } } } }"""
DECIDE = """mutation ($input: %sDocumentLinksInput!) { %sDocumentLinks(input: $input) {
    document { key } userErrors { code field message } } }"""
CONFIRM, REJECT = (DECIDE % names for names in (("Confirm", "confirm"), ("Reject", "reject")))
BODY = "# Nodes\n\nRestart REDIS-01 first, then redis-01-exporter.\nshop and redis are words; redis-01 is a name.\n"
OTHER = uuid(ITEM, 50)


@pytest.fixture(scope="module")
async def shared(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "suggested_links") as opened:
        execute(
            opened,
            f"INSERT INTO configuration_items (id, name, class_key, status) VALUES ('{OTHER}', 'redis-sentinel-02', "
            f"'cache', 'ACTIVE'), ('{uuid(ITEM, 51)}', 'redis-retired-03', 'cache', 'RETIRED')",
        )
        execute(
            opened,
            "INSERT INTO configuration_items (id, name, class_key) "
            "SELECT gen_random_uuid(), 'twin-04', 'cache' FROM generate_series(1, 6)",
        )
        yield opened


@pytest.fixture
async def library(shared: Library, tmp_path: Path) -> Library:
    """With the document NODES, about nothing, and the restricted one SEALED."""
    execute(shared, "DELETE FROM documents WHERE key IN ('NODES', 'SEALED')")
    for number, key, team in ((60, "NODES", None), (61, "SEALED", uuid(TEAM, 1))):
        execute(
            shared,
            "INSERT INTO documents (id, key, title, body, source, restricted_team_id) VALUES (%s, %s, %s, %s, %s, %s)",
            uuid(DOCUMENT, number), key, key, BODY, "files", team,
        )  # fmt: skip
    await index_documents(shared.sources)
    return shared


def execute(library: Library, text: str, *values: object) -> list[Any]:
    with psycopg.connect(library.urls[0], autocommit=True) as connection:
        cursor = connection.execute(text.encode(), values)
        return cursor.fetchall() if cursor.description is not None else []


async def links(library: Library, key: str = "NODES", *teams: str) -> tuple[list[tuple[str, int, int]], list[str]]:
    """The suggestions of a document as name, count and first line, and the names of linked items."""
    answered = await library.ask(LINKS, *teams, key=key)
    assert answered.errors == []
    document = answered.data["document"]
    suggested = [
        (each["configurationItem"]["name"], each["count"], each["firstLine"]) for each in document["suggestedLinks"]
    ]
    return suggested, [node["name"] for node in document["configurationItems"]["nodes"]]


async def decide(library: Library, document: str, *items: str, number: int = 60, **others: object) -> Answered:
    given = {"documentId": f"doc_{uuid(DOCUMENT, number)}", "itemIds": [f"ci_{item}" for item in items]} | others
    return await library.ask(document, also="documents:write", input=given)


def codes(answered: Answered) -> list[tuple[str, str]]:
    assert answered.errors == []
    (payload,) = answered.data.values()
    return [(each["code"], each["field"]) for each in payload["userErrors"]]


async def rewrite(library: Library, body: str) -> None:
    execute(library, "UPDATE documents SET body = %s, version = version + 1 WHERE key = 'NODES'", body)
    await index_documents(library.sources)


async def test_names_of_items_in_a_text_are_suggested(library: Library) -> None:
    assert await links(library) == ([("redis-01", 2, 3)], [])
    await rewrite(library, "redis-sentinel-02\nREDIS-SENTINEL-02 redis-01 redis-retired-03 twin-04")
    # A retired item and a name of six items are not suggested.
    assert await links(library) == ([("redis-sentinel-02", 2, 1), ("redis-01", 1, 2)], [])
    await rewrite(library, "nothing")
    assert await links(library) == ([], [])


async def test_a_confirmed_link_is_a_link(library: Library) -> None:
    assert codes(await decide(library, CONFIRM, REDIS_01)) == []
    assert await links(library) == ([], ["redis-01"])
    # Again is the same.
    assert codes(await decide(library, CONFIRM, REDIS_01)) == []
    await rewrite(library, BODY + "redis-sentinel-02")
    assert await links(library) == ([("redis-sentinel-02", 1, 5)], ["redis-01"])
    document = (
        'query ($about: [ID!]) { ask(question: "restart", about: $about) { passages { relation document { key } } } }'
    )
    found = (await library.ask(document, about=[f"ci_{REDIS_01}"])).data["ask"]["passages"]
    assert {"relation": "OWN", "document": {"key": "NODES"}} in found


async def test_a_rejected_link_is_not_suggested_again(library: Library) -> None:
    assert codes(await decide(library, REJECT, REDIS_01)) == []
    await rewrite(library, BODY + "redis-01")
    assert await links(library) == ([], [])
    # People can change their mind, both ways.
    assert codes(await decide(library, CONFIRM, REDIS_01)) == []
    assert await links(library) == ([], ["redis-01"])
    assert codes(await decide(library, REJECT, REDIS_01)) == []
    assert await links(library) == ([], [])


async def test_front_matter_without_items_leaves_confirmed_links(library: Library, tmp_path: Path) -> None:
    assert codes(await decide(library, CONFIRM, REDIS_01)) == []
    for items, expected in (("", ["redis-01"]), ("items: [demo/redis]\n", ["redis"]), ("", ["redis"])):
        (tmp_path / "nodes.md").write_text(f"---\nkey: NODES\n{items}---\n{BODY}")
        report = await import_documents(library.sources, [tmp_path], DocumentImportOptions())
        assert report.rejected == []
        await index_documents(library.sources)
        assert await links(library) == ([], expected)


async def test_links_of_other_origin_are_not_suggested_and_not_rejected(library: Library) -> None:
    execute(library, "INSERT INTO document_configuration_items VALUES (%s, %s)", uuid(DOCUMENT, 60), REDIS_01)
    assert await links(library) == ([], ["redis-01"])
    assert codes(await decide(library, REJECT, REDIS_01)) == []
    assert await links(library) == ([], ["redis-01"])


@pytest.mark.parametrize("document", [CONFIRM, REJECT])
async def test_bad_decisions_change_nothing(library: Library, document: str) -> None:
    unknown = uuid(ITEM, 77)
    for items, others, expected in (
        ([RACK], {}, [("NOT_FOUND", "itemIds")]),
        ([REDIS_01, RACK], {}, [("NOT_FOUND", "itemIds")]),
        ([unknown], {}, [("NOT_FOUND", "itemIds")]),
        ([REDIS_01], {"expectedVersion": 2}, [("CONFLICT", "expectedVersion")]),
        ([REDIS_01], {"number": 62}, [("NOT_FOUND", "documentId")]),
        ([uuid(ITEM, number) for number in range(501)], {}, [("INVALID", "itemIds")]),
    ):
        assert codes(await decide(library, document, *items, **others)) == expected
    assert await links(library) == ([("redis-01", 2, 3)], [])


async def test_a_document_that_was_indexed_before_links_were_suggested_gets_them(library: Library) -> None:
    execute(library, "UPDATE document_indexes SET naming = ''")
    execute(library, "DELETE FROM document_link_suggestions")
    assert await links(library) == ([], [])
    [documents] = execute(library, "SELECT count(*) FROM documents")
    assert await index_documents(library.sources) == documents[0]
    assert await links(library) == ([("redis-01", 2, 3)], [])
    assert await index_documents(library.sources) == 0


@pytest.mark.parametrize("document", [CONFIRM, REJECT])
async def test_a_decision_counts_each_item_once_and_leaves_the_version(library: Library, document: str) -> None:
    assert codes(await decide(library, document, *[REDIS_01] * 501, expectedVersion=1)) == []
    assert codes(await decide(library, document, REDIS_01, expectedVersion=1)) == []
    assert execute(library, "SELECT version FROM documents WHERE key = 'NODES'") == [(1,)]
    assert await index_documents(library.sources) == 0


async def test_an_idempotency_key_makes_a_decision_once(library: Library) -> None:
    execute(library, "DELETE FROM audit_entries")
    for _ in range(2):
        answered = await decide(library, CONFIRM, REDIS_01, expectedVersion=1, idempotencyKey="links-1")
        assert codes(answered) == []
    audit = "SELECT action, entity, after -> 'confirmed' FROM audit_entries"
    assert execute(library, audit) == [("ConfirmDocumentLinks", "DOCUMENT", [REDIS_01])]


@pytest.mark.parametrize("document", [CONFIRM, REJECT])
async def test_a_hidden_document_is_as_unknown(library: Library, document: str) -> None:
    hidden = await decide(library, document, REDIS_01, number=61)
    unknown = await decide(library, document, REDIS_01, number=62)
    assert hidden.data == unknown.data
    assert codes(hidden) == [("NOT_FOUND", "documentId")]
    assert (await library.ask(LINKS, key="SEALED")).data == {"document": None}
    assert await links(library, "SEALED", "security") == ([("redis-01", 2, 3)], [])


async def test_suggestions_need_permissions(library: Library) -> None:
    for permission in ("configuration-items:read", "documents:read"):
        answered = await library.ask("{ documents { nodes { suggestedLinks { count } } } }", without=permission)
        assert set(answered.codes) == {"FORBIDDEN"}
    given = {"documentId": f"doc_{uuid(DOCUMENT, 60)}", "itemIds": [f"ci_{REDIS_01}"]}
    assert (await library.ask(CONFIRM, input=given)).codes == ["FORBIDDEN"]
    assert await links(library) == ([("redis-01", 2, 3)], [])


async def test_documents_of_a_list_share_their_statements(library: Library) -> None:
    one = await library.ask('{ document(key: "NODES") { suggestedLinks { count } } }')
    many = await library.ask("{ documents { nodes { suggestedLinks { count } } } }")
    assert (one.sql, many.sql) == (2, 2)


async def test_the_report_of_an_import_counts_suggestions(library: Library) -> None:
    assert await count_suggestions(library.sources.main, "files") == 2
    await decide(library, REJECT, REDIS_01)
    assert await count_suggestions(library.sources.main, "files") == 1
    assert await count_suggestions(library.sources.main, "other") == 0
