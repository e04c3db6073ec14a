"""Redundancy groups defined and removed, and what their members may not do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.writing import NOBODY, Writer, alone, codes, database, uuid


@dataclass(frozen=True)
class Pool:
    """A dependent, the three items that it depends on, and the relationships to them."""

    dependent: str
    items: list[str]
    relationships: list[str]


@pytest.fixture(scope="module")
async def writer(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    opened = alone(database(postgres, "redundancy_groups"))
    yield opened
    await opened.sources.close()


@pytest.fixture
async def pool(writer: Writer) -> Pool:
    dependent = await writer.item("shop")
    items = sorted([await writer.item(f"database {n}") for n in range(3)])
    return Pool(dependent, items, [await writer.relationship(dependent, each) for each in items])


async def define(writer: Writer, pool: Pool, needed: int, members: list[str], name: str = "databases") -> Any:
    return await writer.write(
        "defineRedundancyGroup", dependentId=pool.dependent, name=name, needed=needed, relationshipIds=members
    )


async def defined(writer: Writer, pool: Pool, needed: int, members: list[str]) -> Any:
    payload = await define(writer, pool, needed, members)
    assert payload["userErrors"] == []
    return payload["redundancyGroup"]


async def test_a_group_is_defined_and_what_was_done_is_told(writer: Writer, pool: Pool) -> None:
    group = await defined(writer, pool, 2, pool.relationships)
    assert group == {
        "id": group["id"], "name": "databases", "needed": 2, "dependent": {"id": pool.dependent},
        "memberIds": pool.items,
    }  # fmt: skip
    told = {"id": uuid(group["id"]), "dependent_id": uuid(pool.dependent), "name": "databases", "needed": 2}
    assert writer.audit(group["id"]) == [("DefineRedundancyGroup", None, told)]
    for each in pool.relationships:
        assert writer.outbox(each) == [("RELATIONSHIP", "CREATED"), ("RELATIONSHIP", "CHANGED")]
        assert writer.audit(each)[1:] == [
            ("DefineRedundancyGroup", {"id": uuid(each), "redundancy_group_id": None},
             {"id": uuid(each), "redundancy_group_id": uuid(group["id"])})
        ]  # fmt: skip


async def test_a_group_is_defined_anew(writer: Writer, pool: Pool) -> None:
    first = await defined(writer, pool, 2, pool.relationships[:2])
    before = writer.counts()
    assert await defined(writer, pool, 2, pool.relationships[:2]) == first
    assert writer.counts() == before
    again = await defined(writer, pool, 1, pool.relationships[1:])
    assert again == first | {"needed": 1, "memberIds": pool.items[1:]}
    versions = "SELECT version FROM relationships WHERE id = ANY(%s::uuid[]) ORDER BY array_position(%s::uuid[], id)"
    ids = [uuid(each) for each in pool.relationships]
    assert writer.rows(versions, ids, ids) == [(3,), (2,), (2,)]
    assert len(writer.audit(first["id"])) == 2


async def test_who_define_the_same_at_once_make_one(writer: Writer, pool: Pool) -> None:
    made = await asyncio.gather(*(defined(writer, pool, 1, pool.relationships) for _ in range(3)))
    assert len({each["id"] for each in made}) == 1
    assert len(writer.audit(made[0]["id"])) == 1


async def test_needed_is_from_one_to_the_members(writer: Writer, pool: Pool) -> None:
    twice = await writer.relationship(pool.dependent, pool.items[0], source="cmdb")
    for needed, members, errors in (
        (0, pool.relationships, [("INVALID", "needed")]),
        (4, pool.relationships, [("INVALID", "needed")]),
        (1, [], [("INVALID", "needed")]),
        # Two relationships to one item are one member.
        (2, [pool.relationships[0], twice], [("INVALID", "needed")]),
        (2, [pool.relationships[0], pool.relationships[0]], [("INVALID", "needed")]),
    ):
        before = writer.counts()
        assert codes(await define(writer, pool, needed, members)) == errors
        assert writer.counts() == before


async def test_a_member_impacts_the_dependent_and_is_in_no_other_group(writer: Writer, pool: Pool) -> None:
    backwards = await writer.relationship(pool.items[0], pool.dependent)
    near = await writer.relationship(pool.dependent, pool.items[0], "near")
    feeding = await writer.relationship(pool.items[0], pool.dependent, "feeds")
    payload = await define(writer, pool, 1, [feeding, backwards, near, f"rel_{NOBODY}"])
    assert codes(payload) == [
        ("INVALID", "relationshipIds.1"), ("INVALID", "relationshipIds.2"), ("NOT_FOUND", "relationshipIds.3"),
    ]  # fmt: skip
    await defined(writer, pool, 1, pool.relationships[:2])
    other = await define(writer, pool, 1, pool.relationships[1:], name="other")
    assert codes(other) == [("TAKEN", "relationshipIds.0")]
    assert codes(await define(writer, pool, 1, [feeding], name=" ")) == [("INVALID", "name")]
    asked = {"name": "a", "needed": 1, "relationshipIds": [feeding]}
    assert await writer.refused("defineRedundancyGroup", dependentId=f"ci_{NOBODY}", **asked) == [
        ("NOT_FOUND", "dependentId")
    ]


async def test_a_relationship_enters_and_leaves_a_group(writer: Writer, pool: Pool) -> None:
    group = (await defined(writer, pool, 1, pool.relationships[:1]))["id"]
    joined = await writer.done(
        "updateRelationship", id=pool.relationships[1], expectedVersion=1, redundancyGroupId=group
    )
    assert joined["redundancyGroup"] == {"id": group, "name": "databases"}
    new = await writer.item("database 4")
    made = await writer.done(
        "relateConfigurationItems", fromId=pool.dependent, toId=new, typeKey="depends_on", redundancyGroupId=group
    )
    assert made["redundancyGroup"] == {"id": group, "name": "databases"}
    left = await writer.done("updateRelationship", id=made["id"], expectedVersion=1, redundancyGroupId=None)
    assert left["redundancyGroup"] is None


async def test_a_group_of_another_dependent_takes_no_relationship(writer: Writer, pool: Pool) -> None:
    group = (await defined(writer, pool, 1, pool.relationships[:1]))["id"]
    a, b = await writer.item("a"), await writer.item("b")
    stranger = await writer.relationship(a, b)
    for mutation, input in (
        ("updateRelationship", {"id": stranger, "expectedVersion": 1}),
        ("relateConfigurationItems", {"fromId": b, "toId": a, "typeKey": "depends_on"}),
        ("relateConfigurationItems", {"fromId": pool.dependent, "toId": a, "typeKey": "near"}),
    ):
        assert await writer.refused(mutation, **input, redundancyGroupId=group) == [("INVALID", "redundancyGroupId")]
    asked = {"id": stranger, "expectedVersion": 1, "redundancyGroupId": f"rg_{NOBODY}"}
    assert await writer.refused("updateRelationship", **asked) == [("NOT_FOUND", "redundancyGroupId")]


async def test_a_group_keeps_the_members_that_it_needs(writer: Writer, pool: Pool) -> None:
    await defined(writer, pool, 2, pool.relationships[:2])
    member = {"id": pool.relationships[0], "expectedVersion": 2}
    assert await writer.refused("unrelateConfigurationItems", **member) == [("ILLEGAL_STATE", "id")]
    assert await writer.refused("updateRelationship", **member, redundancyGroupId=None) == [
        ("ILLEGAL_STATE", "redundancyGroupId")
    ]
    related = {"fromId": pool.dependent, "toId": pool.items[0], "typeKey": "depends_on", "redundancyGroupId": None}
    assert await writer.refused("relateConfigurationItems", **related) == [("TAKEN", "redundancyGroupId")]
    await defined(writer, pool, 1, pool.relationships[:2])
    assert await writer.done("unrelateConfigurationItems", **member) == member["id"]


async def test_two_relationships_to_one_item_are_one_member_that_stays(writer: Writer, pool: Pool) -> None:
    twice = await writer.relationship(pool.dependent, pool.items[0], source="cmdb")
    await defined(writer, pool, 2, [*pool.relationships[:2], twice])
    assert await writer.refused("unrelateConfigurationItems", id=pool.relationships[1], expectedVersion=2) == [
        ("ILLEGAL_STATE", "id")
    ]
    assert await writer.done("unrelateConfigurationItems", id=twice, expectedVersion=2) == twice


async def test_of_two_members_that_leave_at_once_one_stays(writer: Writer, pool: Pool) -> None:
    await defined(writer, pool, 1, pool.relationships[:2])
    answers = await asyncio.gather(
        *(writer.write("unrelateConfigurationItems", id=id_, expectedVersion=2) for id_ in pool.relationships[:2])
    )
    assert sorted((codes(each) for each in answers), key=len) == [[], [("ILLEGAL_STATE", "id")]]


async def test_a_group_is_removed_and_its_relationships_stay(writer: Writer, pool: Pool) -> None:
    group = (await defined(writer, pool, 2, pool.relationships))["id"]
    assert await writer.done("removeRedundancyGroup", id=group) == group
    assert writer.rows("SELECT count(*) FROM redundancy_groups WHERE id = %s", uuid(group)) == [(0,)]
    found = "SELECT redundancy_group_id, version FROM relationships WHERE id = ANY(%s::uuid[])"
    assert writer.rows(found, [uuid(each) for each in pool.relationships]) == [(None, 3)] * 3
    action, before, after = writer.audit(group)[1]
    assert (action, before["needed"], after) == ("RemoveRedundancyGroup", 2, None)
    assert await writer.refused("removeRedundancyGroup", id=group) == [("NOT_FOUND", "id")]
