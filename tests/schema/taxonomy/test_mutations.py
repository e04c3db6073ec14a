"""Classes and relationship types defined by mutation."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.taxonomy.use_cases import CLASS, TYPE, entity_id
from tests.fixtures.writing import Writer, alone, codes, database

TYPED = {"key": "hosts", "label": "hosts", "inverseLabel": "runs on", "impact": "FORWARD"}


@pytest.fixture
async def writer(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Writer]:
    # Definitions are seen by everyone: each test has a database of its own.
    opened = alone(database(postgres, request.node.originalname[:60]))
    yield opened
    await opened.sources.close()


async def test_a_class_is_defined_and_what_was_done_is_told(writer: Writer) -> None:
    made = await writer.done("defineConfigurationItemClass", key=" cache ", name="Cache", parentKey="database")
    assert made == {"key": "cache", "name": "Cache", "description": "", "parent": {"key": "database"}}
    told = {"key": "cache", "parent_key": "database", "name": "Cache", "description": ""}
    # RFC 9562, version 5: the same key has the same uuid in every installation.
    id_ = "0bf66787-56b9-5128-af33-431e6204b36f"
    assert entity_id(CLASS, "cache") == id_
    assert writer.rows("SELECT entity FROM audit_entries WHERE entity_id = %s", id_) == [("CONFIGURATION_ITEM_CLASS",)]
    assert writer.audit(id_) == [("DefineConfigurationItemClass", None, told)]
    assert writer.counts()["outbox"] == 1  # the seed's team


async def test_a_class_is_changed_and_what_is_left_out_stays(writer: Writer) -> None:
    asked = {"key": "cache", "name": "Cache", "parentKey": "database", "description": "Forgets."}
    await writer.done("defineConfigurationItemClass", **asked)
    before = writer.counts()
    assert (await writer.done("defineConfigurationItemClass", key="cache", name="Cache"))["description"] == "Forgets."
    assert writer.counts() == before
    changed = await writer.done("defineConfigurationItemClass", key="cache", name="Cache store", parentKey=None)
    assert changed == {"key": "cache", "name": "Cache store", "description": "Forgets.", "parent": None}
    assert writer.audit(entity_id(CLASS, "cache"))[1:] == [
        ("DefineConfigurationItemClass", {"key": "cache", "name": "Cache", "parent_key": "database"},
         {"key": "cache", "name": "Cache store", "parent_key": None})
    ]  # fmt: skip


async def test_classes_make_no_circle(writer: Writer) -> None:
    await writer.done("defineConfigurationItemClass", key="cache", name="Cache", parentKey="database")
    await writer.done("defineConfigurationItemClass", key="redis", name="Redis", parentKey="cache")
    for parent in ("database", "cache", "redis"):
        asked = {"key": "database", "name": "Database", "parentKey": parent}
        assert await writer.refused("defineConfigurationItemClass", **asked) == [("INVALID", "parentKey")]
    payload = await writer.write("defineConfigurationItemClass", key="database", name="Database", parentKey="redis")
    assert "redis is a kind of cache is a kind of database" in payload["userErrors"][0]["message"]
    for parent, code in (("unknown", "NOT_FOUND"), ("\0", "INVALID")):
        asked = {"key": "cache", "name": "Cache", "parentKey": parent}
        assert await writer.refused("defineConfigurationItemClass", **asked) == [(code, "parentKey")]
    asked = {"key": "\0", "name": "\ud83d", "description": "\0"}
    assert await writer.refused("defineConfigurationItemClass", **asked) == [
        ("INVALID", "key"), ("INVALID", "name"), ("INVALID", "description"),
    ]  # fmt: skip


async def test_two_at_once_close_no_circle(writer: Writer) -> None:
    answers = await asyncio.gather(
        writer.write("defineConfigurationItemClass", key="service", name="Service", parentKey="database"),
        writer.write("defineConfigurationItemClass", key="database", name="Database", parentKey="service"),
    )
    assert sorted(codes(each) for each in answers) == [[], [("INVALID", "parentKey")]]


async def test_a_type_is_defined_and_what_was_done_is_told(writer: Writer) -> None:
    assert await writer.done("defineRelationshipType", **TYPED) == TYPED | {"description": ""}
    told = {"key": "hosts", "label": "hosts", "inverse_label": "runs on", "impact": "FORWARD", "description": ""}
    id_ = "096a0f7b-46db-520e-9cf1-9f4bea3ee559"
    assert entity_id(TYPE, "hosts") == id_
    assert writer.audit(id_) == [("DefineRelationshipType", None, told)]
    before = writer.counts()
    await writer.done("defineRelationshipType", **TYPED)
    assert writer.counts() == before
    changed = await writer.done("defineRelationshipType", **(TYPED | {"impact": "NONE", "description": "Where."}))
    assert (changed["impact"], changed["description"]) == ("NONE", "Where.")
    assert writer.audit(id_)[1:] == [
        ("DefineRelationshipType", {"key": "hosts", "impact": "FORWARD", "description": ""},
         {"key": "hosts", "impact": "NONE", "description": "Where."})
    ]  # fmt: skip
    assert (await writer.done("defineRelationshipType", **(TYPED | {"impact": "NONE"})))["description"] == "Where."


async def test_the_impact_of_a_type_in_use_stays(writer: Writer) -> None:
    await writer.done("defineRelationshipType", **TYPED)
    a, b, c = [await writer.item(name) for name in "abc"]
    await writer.relationship(a, b, "hosts")
    for count in ("1 relationship is", "2 relationships are"):
        before = writer.counts()
        payload = await writer.write("defineRelationshipType", **(TYPED | {"impact": "REVERSE"}))
        assert codes(payload) == [("ILLEGAL_STATE", "impact")]
        assert f"while {count} of this type" in payload["userErrors"][0]["message"]
        assert payload["relationshipType"]["impact"] == "FORWARD"
        assert writer.counts() == before
        await writer.relationship(a, c, "hosts")
    assert (await writer.done("defineRelationshipType", **(TYPED | {"label": "carries"})))["label"] == "carries"


async def test_whoever_relates_while_the_impact_changes_has_the_one_that_holds(writer: Writer) -> None:
    await writer.done("defineRelationshipType", **TYPED)
    a, b = [await writer.item(name) for name in "ab"]
    changed, related = await asyncio.gather(
        writer.write("defineRelationshipType", **(TYPED | {"impact": "REVERSE"})),
        writer.write("relateConfigurationItems", fromId=a, toId=b, typeKey="hosts"),
    )
    assert related["userErrors"] == []
    flows = "SELECT impact_from_id = from_id FROM relationships"
    assert writer.rows(flows) == [(bool(changed["userErrors"]),)]


async def test_a_type_needs_texts(writer: Writer) -> None:
    asked = {"key": " ", "label": "", "inverseLabel": "x" * 501, "impact": "NONE"}
    assert await writer.refused("defineRelationshipType", **asked) == [
        ("INVALID", "key"), ("INVALID", "label"), ("INVALID", "inverseLabel"),
    ]  # fmt: skip
