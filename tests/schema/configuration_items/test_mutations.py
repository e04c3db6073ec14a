"""Configuration items made and changed by mutation: rows, versions, audit entries, outbox rows, and races."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.writing import NOBODY, PAYMENTS, WRITER, Writer, alone, codes, database, uuid


@pytest.fixture(scope="module")
async def writer(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    opened = alone(database(postgres, "item_mutations"))
    yield opened
    await opened.sources.close()


async def test_an_item_is_made_and_what_was_done_is_told(writer: Writer) -> None:
    made = await writer.done("createConfigurationItem", name=" shop ", classKey="service", attributes={"tier": 1})
    assert made == {
        "id": made["id"], "name": "shop", "classKey": "service", "status": "ACTIVE", "environment": "UNKNOWN",
        "criticality": "MEDIUM", "attributes": {"tier": 1}, "version": 1, "keys": [],
    }  # fmt: skip
    told = {
        "id": uuid(made["id"]), "name": "shop", "class_key": "service", "status": "ACTIVE", "environment": "UNKNOWN",
        "criticality": "MEDIUM", "owner_team_id": None, "attributes": {"tier": 1},
    }  # fmt: skip
    assert writer.audit(made["id"]) == [("CreateConfigurationItem", None, told)]
    assert writer.outbox(made["id"]) == [("CONFIGURATION_ITEM", "CREATED")]
    signed = "SELECT o.request_id <> '' AND o.request_id = a.request_id, a.principal FROM outbox o"
    assert writer.rows(f"{signed} JOIN audit_entries a USING (entity_id) WHERE entity_id = %s", uuid(made["id"])) == [
        (True, f"USER:{WRITER.subject}")
    ]


async def test_null_is_the_default_of_what_may_be_left_out(writer: Writer) -> None:
    names = ("status", "environment", "criticality", "ownerTeamId", "attributes")
    made = await writer.done("createConfigurationItem", name="a", classKey="service", **dict.fromkeys(names))
    assert (made["status"], made["environment"], made["criticality"]) == ("ACTIVE", "UNKNOWN", "MEDIUM")
    assert made["attributes"] == {}


VALUES: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "  "}, "INVALID", "name"),
    ({"name": "n" * 501}, "INVALID", "name"),
    ({"name": "a\0b"}, "INVALID", "name"),
    ({"classKey": "unknown"}, "NOT_FOUND", "classKey"),
    ({"classKey": "\0"}, "INVALID", "classKey"),
    ({"ownerTeamId": "ci_00000000-0000-4000-8000-000000000001"}, "INVALID", "ownerTeamId"),
    ({"ownerTeamId": f"team_{NOBODY}"}, "NOT_FOUND", "ownerTeamId"),
    ({"attributes": [1]}, "INVALID", "attributes"),
    ({"attributes": {"a": 10**30}}, "INVALID", "attributes"),
    ({"attributes": {"a": ["\0"]}}, "INVALID", "attributes"),
]


@pytest.mark.parametrize(("values", "code", "field"), VALUES)
async def test_a_broken_rule_writes_nothing(writer: Writer, values: Any, code: str, field: str) -> None:
    assert await writer.refused("createConfigurationItem", **({"name": "a", "classKey": "service"} | values)) == [
        (code, field)
    ]
    id_ = await writer.item()
    assert await writer.refused("updateConfigurationItem", id=id_, expectedVersion=1, **values) == [(code, field)]


async def test_a_backslash_before_u0000_is_text_as_any_other(writer: Writer) -> None:
    made = await writer.done("createConfigurationItem", name="a", classKey="service", attributes={"a": "\\u0000"})
    assert made["attributes"] == {"a": "\\u0000"}


async def test_what_is_left_out_stays(writer: Writer) -> None:
    id_ = await writer.item(
        "shop", environment="TEST", criticality="LOW", ownerTeamId=f"team_{PAYMENTS}", attributes={"a": 1}
    )
    changed = await writer.done("updateConfigurationItem", id=id_, expectedVersion=1, name=" store ")
    assert changed == {
        "id": id_, "name": "store", "classKey": "service", "status": "ACTIVE", "environment": "TEST",
        "criticality": "LOW", "attributes": {"a": 1}, "version": 2, "keys": [],
    }  # fmt: skip
    assert writer.rows("SELECT owner_team_id::text FROM configuration_items WHERE id = %s", uuid(id_)) == [(PAYMENTS,)]
    history = "SELECT name, environment, attributes, version FROM configuration_item_history WHERE id = %s"
    assert writer.rows(history, uuid(id_)) == [("shop", "TEST", {"a": 1}, 1)]
    assert writer.audit(id_)[1:] == [
        ("UpdateConfigurationItem", {"id": uuid(id_), "name": "shop"}, {"id": uuid(id_), "name": "store"})
    ]
    assert writer.outbox(id_) == [("CONFIGURATION_ITEM", "CREATED"), ("CONFIGURATION_ITEM", "CHANGED")]


async def test_everything_can_be_changed_at_once_and_the_owner_taken_away(writer: Writer) -> None:
    id_ = await writer.item("shop", ownerTeamId=f"team_{PAYMENTS}", attributes={"a": 1})
    changed = await writer.done(
        "updateConfigurationItem", id=id_, expectedVersion=1, name="store", classKey="database", status="PLANNED",
        environment="STAGING", criticality="HIGH", ownerTeamId=None, attributes={"b": 2},
    )  # fmt: skip
    assert changed == {
        "id": id_, "name": "store", "classKey": "database", "status": "PLANNED", "environment": "STAGING",
        "criticality": "HIGH", "attributes": {"b": 2}, "version": 2, "keys": [],
    }  # fmt: skip
    assert writer.rows("SELECT owner_team_id FROM configuration_items WHERE id = %s", uuid(id_)) == [(None,)]
    _, before, after = writer.audit(id_)[1]
    assert before == {
        "id": uuid(id_), "name": "shop", "class_key": "service", "status": "ACTIVE", "environment": "UNKNOWN",
        "criticality": "MEDIUM", "owner_team_id": PAYMENTS, "attributes": {"a": 1},
    }  # fmt: skip
    assert after == {
        "id": uuid(id_), "name": "store", "class_key": "database", "status": "PLANNED", "environment": "STAGING",
        "criticality": "HIGH", "owner_team_id": None, "attributes": {"b": 2},
    }  # fmt: skip


async def test_where_nothing_would_change_nothing_is_written(writer: Writer) -> None:
    id_ = await writer.item("shop", attributes={"a": 1, "b": 2})
    before = writer.counts()
    same = await writer.done(
        "updateConfigurationItem", id=id_, expectedVersion=1, name="shop", attributes={"b": 2, "a": 1}, ownerTeamId=None
    )
    assert same["version"] == 1
    assert writer.counts() == before


async def test_true_is_not_one(writer: Writer) -> None:
    id_ = await writer.item(attributes={"a": 1})
    changed = await writer.done("updateConfigurationItem", id=id_, expectedVersion=1, attributes={"a": True})
    assert (changed["version"], changed["attributes"]) == (2, {"a": True})
    assert changed["attributes"]["a"] is True


@pytest.mark.parametrize("name", ["name", "classKey", "status", "environment", "criticality", "attributes"])
async def test_null_is_no_value_but_of_the_owner(writer: Writer, name: str) -> None:
    id_ = await writer.item()
    assert await writer.refused("updateConfigurationItem", id=id_, expectedVersion=1, **{name: None}) == [
        ("INVALID", name)
    ]


async def test_an_update_retires_nothing_and_nothing_changes_what_is_retired(writer: Writer) -> None:
    id_ = await writer.item()
    retired = {"id": id_, "expectedVersion": 1}
    assert await writer.refused("updateConfigurationItem", **retired, status="RETIRED") == [("INVALID", "status")]
    await writer.done("retireConfigurationItem", **retired)
    before = writer.counts()
    payload = await writer.write("updateConfigurationItem", id=id_, expectedVersion=2, name="again")
    assert codes(payload) == [("ILLEGAL_STATE", "id")]
    assert "restoreConfigurationItem" in payload["userErrors"][0]["message"]
    assert payload["configurationItem"]["status"] == "RETIRED"
    assert writer.counts() == before


async def test_a_lost_race_is_told_with_the_item_as_it_is(writer: Writer) -> None:
    id_ = await writer.item()
    await writer.done("updateConfigurationItem", id=id_, expectedVersion=1, name="first")
    before = writer.counts()
    lost = await writer.write("updateConfigurationItem", id=id_, expectedVersion=1, name="second")
    assert codes(lost) == [("CONFLICT", "expectedVersion")]
    assert (lost["configurationItem"]["name"], lost["configurationItem"]["version"]) == ("first", 2)
    assert writer.counts() == before


async def test_of_two_updates_at_once_one_wins(writer: Writer) -> None:
    for _ in range(5):
        id_ = await writer.item()
        names = ("one", "two", "three")
        answers = await asyncio.gather(
            *(writer.write("updateConfigurationItem", id=id_, expectedVersion=1, name=name) for name in names)
        )
        won = [name for name, each in zip(names, answers, strict=True) if not each["userErrors"]]
        assert len(won) == 1
        assert sorted(code for each in answers for code, _ in codes(each)) == ["CONFLICT", "CONFLICT"]
        assert {each["configurationItem"]["name"] for each in answers} == set(won)
        assert writer.rows("SELECT name, version FROM configuration_items WHERE id = %s", uuid(id_)) == [(won[0], 2)]
        assert len(writer.audit(id_)) == len(writer.outbox(id_)) == 2


async def test_an_item_that_is_none_is_not_found(writer: Writer) -> None:
    for mutation in ("updateConfigurationItem", "retireConfigurationItem", "restoreConfigurationItem"):
        assert await writer.refused(mutation, id=f"ci_{NOBODY}", expectedVersion=1) == [("NOT_FOUND", "id")]


async def test_a_repeated_call_is_done_once_also_at_the_same_time(writer: Writer) -> None:
    input = {"name": "twice", "classKey": "service", "idempotencyKey": "k1"}
    answers = await asyncio.gather(*(writer.write("createConfigurationItem", **input) for _ in range(5)))
    assert len({answer["configurationItem"]["id"] for answer in answers}) == 1
    assert writer.rows("SELECT count(*) FROM configuration_items WHERE name = 'twice'") == [(1,)]
    assert await writer.refused("createConfigurationItem", **(input | {"name": "another"})) == [
        ("KEY_REUSED", "idempotencyKey")
    ]
