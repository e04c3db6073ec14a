"""Documents, their bodies, and what refers to them."""

from collections.abc import AsyncIterator

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.operations import DOCUMENT, Operations, opened, uuid


@pytest.fixture(scope="module")
async def documents(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "documents") as operations:
        yield operations


async def test_by_key_and_by_id(documents: Operations) -> None:
    answer = await documents.ask(
        f"""{{ document(key: "KB1") {{ id key kind title body source version updatedAt }}
               same: document(id: "doc_{uuid(DOCUMENT, 1)}") {{ key }} none: document(key: "KB9") {{ key }}
               node(id: "doc_{uuid(DOCUMENT, 3)}") {{ ... on Document {{ key body }} }} }}"""
    )
    assert answer.errors == []
    assert answer.data == {
        "document": {
            "id": f"doc_{uuid(DOCUMENT, 1)}",
            "key": "KB1",
            "kind": "RUNBOOK",
            "title": "Restart the ledger",
            "body": "Stop it. Start it.",
            "source": "wiki",
            "version": 1,
            "updatedAt": "2026-01-01T00:00:00+00:00",
        },
        "same": {"key": "KB1"},
        "none": None,
        "node": {"key": "KB3", "body": ""},
    }
    # By key, by id, and both bodies.
    assert answer.statements == 3


async def test_bodies_are_read_only_where_selected(documents: Operations) -> None:
    without = await documents.ask("{ documents { nodes { title } } }")
    assert [each["title"] for each in without.data["documents"]["nodes"]] == [
        "How payments flow",
        "Restart the ledger",
        "Why redis is slow",
    ]
    assert without.statements == 1
    bodies = await documents.ask("{ documents(orderBy: {field: KEY, direction: DESC}) { nodes { key body } } }")
    assert bodies.data["documents"]["nodes"] == [
        {"key": "KB3", "body": ""},
        {"key": "KB2", "body": "Shop to ledger."},
        {"key": "KB1", "body": "Stop it. Start it."},
    ]
    assert bodies.statements == 2


async def test_both_ways_between_documents_and_items(documents: Operations) -> None:
    answer = await documents.ask(
        """{ documents { nodes { key configurationItems { nodes { name } } } groups(by: KIND) { value count } }
             configurationItems { nodes { name documents { totalCount nodes { key } } } } }"""
    )
    assert answer.errors == []
    assert answer.data == {
        "documents": {
            "nodes": [
                {"key": "KB2", "configurationItems": {"nodes": [{"name": "ledger"}, {"name": "shop"}]}},
                {"key": "KB1", "configurationItems": {"nodes": [{"name": "ledger"}]}},
                {"key": "KB3", "configurationItems": {"nodes": []}},
            ],
            "groups": [{"value": "KNOWLEDGE", "count": 2}, {"value": "RUNBOOK", "count": 1}],
        },
        "configurationItems": {
            "nodes": [
                {"name": "attic", "documents": {"totalCount": 0, "nodes": []}},
                {"name": "ledger", "documents": {"totalCount": 2, "nodes": [{"key": "KB2"}, {"key": "KB1"}]}},
                {"name": "redis", "documents": {"totalCount": 0, "nodes": []}},
                {"name": "shop", "documents": {"totalCount": 1, "nodes": [{"key": "KB2"}]}},
            ]
        },
    }
    # Documents, their groups, their items; items, their documents, their counts.
    assert answer.statements == 6


async def test_what_an_activity_refers_to(documents: Operations) -> None:
    answer = await documents.ask('{ incident(number: "INC1") { activities { documentKey document { title } } } }')
    assert answer.errors == []
    assert answer.data["incident"]["activities"] == [
        {"documentKey": "", "document": None},
        {"documentKey": "KB1", "document": {"title": "Restart the ledger"}},
        {"documentKey": "KB-unknown", "document": None},
    ]
    assert answer.statements == 3


async def test_without_permission_only_the_field_is_null(documents: Operations) -> None:
    answer = await documents.asked_by(without="documents:read").ask(
        """{ document(key: "KB1") { body } documents { totalCount }
             configurationItems(filter: {name: {eq: "shop"}}) { nodes { name documents { totalCount } } }
             incident(number: "INC1") { number activities { documentKey document { key } } } }"""
    )
    assert answer.data == {
        "document": None,
        "documents": None,
        "configurationItems": {"nodes": [{"name": "shop", "documents": None}]},
        "incident": {
            "number": "INC1",
            "activities": [
                {"documentKey": "", "document": None},
                {"documentKey": "KB1", "document": None},
                {"documentKey": "KB-unknown", "document": None},
            ],
        },
    }
    assert answer.codes == [
        ("configurationItems.nodes.0.documents", "FORBIDDEN"),
        ("document", "FORBIDDEN"),
        ("documents", "FORBIDDEN"),
        ("incident.activities.0.document", "FORBIDDEN"),
        ("incident.activities.1.document", "FORBIDDEN"),
        ("incident.activities.2.document", "FORBIDDEN"),
    ]
    assert answer.statements == 3
