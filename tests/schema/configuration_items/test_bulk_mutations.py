"""Many items and relationships in one call: statements, modes, and errors that name the index."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.writing import NOBODY, Writer, alone, codes, database, uuid

CREATE, RELATE = "createConfigurationItemsInBulk", "relateConfigurationItemsInBulk"
IN_ORDER = "unnest(%s::uuid[]) WITH ORDINALITY u (id, n)"


@pytest.fixture(scope="module")
async def writer(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    opened = alone(database(postgres, "bulk_mutations"))
    yield opened
    await opened.sources.close()


def new(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "classKey": "service"} for name in names]


def related(*ends: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"fromId": tail, "toId": head, "typeKey": "depends_on"} for tail, head in ends]


async def made(writer: Writer, *names: str) -> list[str]:
    ids: list[str] = await writer.done(CREATE, items=new(*names), mode="ALL_OR_NOTHING")
    return ids


async def test_a_thousand_items_take_as_many_statements_as_one(writer: Writer) -> None:
    before = writer.counts()
    for count in (1, 1_000):
        answer = await writer.send(CREATE, items=new(*(f"n{n}" for n in range(count))), mode="ALL_OR_NOTHING")
        # The classes, the items, the audit entries and the name in the outbox.
        assert answer.sql == 4
        payload = answer.data[CREATE]
        assert (len(payload["ids"]), payload["userErrors"]) == (count, [])
    after = writer.counts()
    assert {table: after[table] - before[table] for table in after if after[table] != before[table]} == {
        "configuration_items": 1_001, "outbox": 1_001, "audit_entries": 1_001,
    }  # fmt: skip
    names = (
        "SELECT name FROM unnest(%s::uuid[]) WITH ORDINALITY u (id, n) JOIN configuration_items USING (id) ORDER BY n"
    )
    ids = [uuid(each) for each in payload["ids"]]
    assert writer.rows(names, ids) == [(f"n{n}",) for n in range(1_000)]


async def test_a_thousand_relationships_take_as_many_statements_as_one(writer: Writer) -> None:
    hub, *rest = await made(writer, *(f"r{n}" for n in range(1_000)))
    last = await writer.item("last")
    for ends in ([(last, hub)], [(hub, each) for each in (*rest, last)]):
        # The items, the types, those that are there, the new ones, the audit entries and the name in the outbox.
        answer = await writer.send(RELATE, items=related(*ends), mode="ALL_OR_NOTHING")
        assert (answer.sql, answer.data[RELATE]["userErrors"]) == (6, [])
    again = await writer.send(RELATE, items=related(*ends), mode="PER_ITEM")
    # Nothing is new: no insert, and what is signed is nothing.
    assert (again.sql, again.data[RELATE]) == (5, answer.data[RELATE])
    changed = [each | {"attributes": {"n": n}} for n, each in enumerate(related(*ends))]
    assert (await writer.send(RELATE, items=changed, mode="PER_ITEM")).sql == 6
    of_hub = "SELECT count(*), min(version), max(version) FROM relationships WHERE from_id = %s"
    assert writer.rows(of_hub, uuid(hub)) == [(1_000, 2, 2)]
    impacts = (
        "SELECT count(*) FROM relationships WHERE from_id = %s AND (impact_to_id, impact_from_id) = (from_id, to_id)"
    )
    assert writer.rows(impacts, uuid(hub)) == [(1_000,)]


async def test_more_than_a_thousand_are_refused(writer: Writer) -> None:
    refused = await writer.refused(CREATE, items=new(*("n" for _ in range(1_001))), mode="PER_ITEM")
    assert refused == [("INVALID", "items")]
    ends = [(f"ci_{NOBODY}", f"ci_{NOBODY}")] * 1_001
    assert await writer.refused(RELATE, items=related(*ends), mode="PER_ITEM") == [("INVALID", "items")]


@pytest.mark.parametrize("mode", ["ALL_OR_NOTHING", "PER_ITEM"])
async def test_none_are_none(writer: Writer, mode: str) -> None:
    before = writer.counts()
    for mutation in (CREATE, RELATE):
        assert await writer.write(mutation, items=[], mode=mode) == {"ids": [], "userErrors": []}
    assert writer.counts() == before


async def test_of_all_or_nothing_one_error_leaves_nothing_and_names_its_index(writer: Writer) -> None:
    items = [*new("a", " "), {"name": "c", "classKey": "unknown", "ownerTeamId": f"team_{NOBODY}"}]
    assert await writer.refused(CREATE, items=items, mode="ALL_OR_NOTHING") == [
        ("INVALID", "items.1.name"), ("NOT_FOUND", "items.2.classKey"), ("NOT_FOUND", "items.2.ownerTeamId"),
    ]  # fmt: skip
    a, b = await made(writer, "a", "b")
    assert await writer.refused(RELATE, items=related((a, b), (a, a)), mode="ALL_OR_NOTHING") == [
        ("INVALID", "items.1.toId")
    ]


async def test_per_item_the_others_are_done(writer: Writer) -> None:
    payload = await writer.write(CREATE, items=[*new("p1", " "), *new("p3")], mode="PER_ITEM")
    assert codes(payload) == [("INVALID", "items.1.name")]
    ids = [uuid(each) for each in payload["ids"]]
    named = "SELECT name FROM configuration_items WHERE id = ANY(%s::uuid[]) ORDER BY name"
    assert writer.rows(named, ids) == [("p1",), ("p3",)]
    a, b, c = await made(writer, "a", "b", "c")
    retired = await writer.item("retired")
    await writer.done("retireConfigurationItem", id=retired, expectedVersion=1)
    ends = [(a, b), (a, f"ci_{NOBODY}"), (a, b), (a, retired), (a, c)]
    payload = await writer.write(RELATE, items=related(*ends), mode="PER_ITEM")
    assert codes(payload) == [
        ("NOT_FOUND", "items.1.toId"), ("TAKEN", "items.2"), ("ILLEGAL_STATE", "items.3.toId"),
    ]  # fmt: skip
    heads = f"SELECT to_id::text FROM {IN_ORDER} JOIN relationships USING (id) ORDER BY n"
    assert writer.rows(heads, [uuid(each) for each in payload["ids"]]) == [(uuid(b),), (uuid(c),)]


async def test_per_item_a_group_that_is_to_be_left_is_told(writer: Writer) -> None:
    a, b, c = await made(writer, "a", "b", "c")
    member = await writer.relationship(a, b)
    await writer.done("defineRedundancyGroup", dependentId=a, name="g", needed=1, relationshipIds=[member])
    items = [each | {"redundancyGroupId": None} for each in related((a, b), (a, c))]
    payload = await writer.write(RELATE, items=items, mode="PER_ITEM")
    assert codes(payload) == [("TAKEN", "items.0.redundancyGroupId")]
    assert len(payload["ids"]) == 1


async def test_a_repeated_call_gives_the_same_answer_with_its_errors(writer: Writer) -> None:
    unstorable = {"name": "q3", "classKey": "\0"}
    input = {"items": [*new("q1", " "), unstorable], "mode": "PER_ITEM", "idempotencyKey": "bulk"}
    first = await writer.write(CREATE, **input)
    before = writer.counts()
    assert codes(first) == [("INVALID", "items.1.name"), ("NOT_FOUND", "items.2.classKey")]
    assert await writer.write(CREATE, **input) == first
    assert writer.counts() == before


async def test_an_id_of_another_kind_is_told_with_its_place(writer: Writer) -> None:
    items = [*new("a"), {"name": "b", "classKey": "service", "ownerTeamId": f"ci_{NOBODY}"}]
    assert await writer.refused(CREATE, items=items, mode="PER_ITEM") == [("INVALID", "items.1.ownerTeamId")]
