"""Relationships made, changed and taken away by mutation: impact, versions, audit entries, outbox rows and races."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.writing import NOBODY, Writer, alone, codes, database, uuid

IMPACT = "SELECT impact_from_id::text, impact_to_id::text FROM relationships WHERE id = %s"


@pytest.fixture(scope="module")
async def writer(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    opened = alone(database(postgres, "relationship_mutations"))
    yield opened
    await opened.sources.close()


@pytest.fixture
async def ends(writer: Writer) -> tuple[str, str]:
    return await writer.item("shop"), await writer.item("ledger")


async def test_items_are_related_and_what_was_done_is_told(writer: Writer, ends: tuple[str, str]) -> None:
    made = await writer.done(
        "relateConfigurationItems", fromId=ends[0], toId=ends[1], typeKey="depends_on", attributes={"port": 5432}
    )
    assert made == {
        "id": made["id"], "typeKey": "depends_on", "source": "manual", "attributes": {"port": 5432}, "version": 1,
        "from": {"id": ends[0]}, "to": {"id": ends[1]}, "redundancyGroup": None,
    }  # fmt: skip
    told = {
        "id": uuid(made["id"]), "from_id": uuid(ends[0]), "to_id": uuid(ends[1]), "type_key": "depends_on",
        "source": "manual", "attributes": {"port": 5432}, "redundancy_group_id": None,
    }  # fmt: skip
    assert writer.audit(made["id"]) == [("RelateConfigurationItems", None, told)]
    assert writer.outbox(made["id"]) == [("RELATIONSHIP", "CREATED")]


async def test_impact_flows_as_the_type_says(writer: Writer, ends: tuple[str, str]) -> None:
    tail, head = uuid(ends[0]), uuid(ends[1])
    for type_key, impact in (("depends_on", (head, tail)), ("feeds", (tail, head)), ("near", (None, None))):
        made = await writer.relationship(*ends, type_key)
        assert writer.rows(IMPACT, uuid(made)) == [impact]


async def test_the_same_again_is_the_one_there_is(writer: Writer, ends: tuple[str, str]) -> None:
    first = await writer.relationship(*ends, attributes={"a": 1})
    before = writer.counts()
    for values in ({}, {"attributes": {"a": 1}}, {"source": "manual"}, {"attributes": None, "redundancyGroupId": None}):
        assert await writer.relationship(*ends, **values) == first
    assert writer.counts() == before
    other = await writer.relationship(*ends, source="cmdb")
    assert other != first


async def test_what_is_said_of_it_anew_is_written(writer: Writer, ends: tuple[str, str]) -> None:
    first = await writer.relationship(*ends, attributes={"a": 1})
    again = await writer.done(
        "relateConfigurationItems", fromId=ends[0], toId=ends[1], typeKey="depends_on", attributes={"b": 2}
    )
    assert (again["id"], again["attributes"], again["version"]) == (first, {"b": 2}, 2)
    assert writer.audit(first)[1:] == [
        ("RelateConfigurationItems", {"id": uuid(first), "attributes": {"a": 1}},
         {"id": uuid(first), "attributes": {"b": 2}})
    ]  # fmt: skip


async def test_who_relate_the_same_at_once_make_one(writer: Writer, ends: tuple[str, str]) -> None:
    made = await asyncio.gather(*(writer.relationship(*ends) for _ in range(4)))
    assert len(set(made)) == 1
    assert len(writer.audit(made[0])) == len(writer.outbox(made[0])) == 1


async def test_ends_and_type_must_be_there(writer: Writer, ends: tuple[str, str]) -> None:
    nobody = f"ci_{NOBODY}"
    asked = {"fromId": ends[0], "toId": ends[1], "typeKey": "depends_on"}
    for values, errors in (
        ({"fromId": nobody}, [("NOT_FOUND", "fromId")]),
        ({"toId": nobody, "typeKey": "owns"}, [("NOT_FOUND", "toId"), ("NOT_FOUND", "typeKey")]),
        ({"typeKey": "\0"}, [("INVALID", "typeKey")]),
        ({"toId": ends[0]}, [("INVALID", "toId")]),
        ({"source": "\0"}, [("INVALID", "source")]),
        ({"attributes": "text"}, [("INVALID", "attributes")]),
        ({"redundancyGroupId": f"rg_{NOBODY}"}, [("NOT_FOUND", "redundancyGroupId")]),
        ({"redundancyGroupId": ends[0]}, [("INVALID", "redundancyGroupId")]),
    ):
        assert await writer.refused("relateConfigurationItems", **(asked | values)) == errors


@pytest.mark.parametrize(("end", "field"), [(0, "fromId"), (1, "toId")])
async def test_a_retired_item_is_not_related(writer: Writer, ends: tuple[str, str], end: int, field: str) -> None:
    await writer.done("retireConfigurationItem", id=ends[end], expectedVersion=1)
    asked = {"fromId": ends[0], "toId": ends[1], "typeKey": "feeds"}
    assert await writer.refused("relateConfigurationItems", **asked) == [("ILLEGAL_STATE", field)]


async def test_a_relationship_is_changed(writer: Writer, ends: tuple[str, str]) -> None:
    id_ = await writer.relationship(*ends)
    changed = await writer.done("updateRelationship", id=id_, expectedVersion=1, attributes={"a": 1})
    assert (changed["attributes"], changed["version"]) == ({"a": 1}, 2)
    before = writer.counts()
    same = await writer.done("updateRelationship", id=id_, expectedVersion=2, attributes={"a": 1})
    assert same["version"] == 2
    assert writer.counts() == before
    for attributes in (None, [1]):
        asked = {"id": id_, "expectedVersion": 2, "attributes": attributes}
        assert await writer.refused("updateRelationship", **asked) == [("INVALID", "attributes")]
    lost = await writer.write("updateRelationship", id=id_, expectedVersion=1, attributes={})
    assert codes(lost) == [("CONFLICT", "expectedVersion")]
    assert lost["relationship"]["version"] == 2
    assert writer.audit(id_)[1:] == [
        ("UpdateRelationship", {"id": uuid(id_), "attributes": {}}, {"id": uuid(id_), "attributes": {"a": 1}})
    ]


async def test_a_relationship_is_taken_away_and_its_history_stays(writer: Writer, ends: tuple[str, str]) -> None:
    id_ = await writer.relationship(*ends)
    lost = await writer.write("unrelateConfigurationItems", id=id_, expectedVersion=2)
    assert (codes(lost), lost["id"], lost["relationship"]["id"]) == ([("CONFLICT", "expectedVersion")], None, id_)
    gone = await writer.write("unrelateConfigurationItems", id=id_, expectedVersion=1)
    assert gone == {"id": id_, "relationship": None, "userErrors": []}
    assert writer.rows("SELECT version FROM relationship_history WHERE id = %s", uuid(id_)) == [(1,)]
    assert writer.outbox(id_) == [("RELATIONSHIP", "CREATED"), ("RELATIONSHIP", "DELETED")]
    _, before, after = writer.audit(id_)[1]
    assert (before["from_id"], before["to_id"], after) == (uuid(ends[0]), uuid(ends[1]), None)
    assert await writer.refused("unrelateConfigurationItems", id=id_, expectedVersion=1) == [("NOT_FOUND", "id")]
    assert await writer.refused("updateRelationship", id=id_, expectedVersion=1) == [("NOT_FOUND", "id")]


async def test_retired_ends_keep_their_relationships(writer: Writer, ends: tuple[str, str]) -> None:
    id_ = await writer.relationship(*ends)
    await writer.done("retireConfigurationItem", id=ends[1], expectedVersion=1)
    assert writer.rows("SELECT version FROM relationships WHERE id = %s", uuid(id_)) == [(1,)]
    assert await writer.done("unrelateConfigurationItems", id=id_, expectedVersion=1) == id_
