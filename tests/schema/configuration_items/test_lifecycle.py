"""Configuration items retired and restored, and the keys by which sources know them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.writing import NOBODY, Writer, alone, codes, database, uuid


@pytest.fixture(scope="module")
async def writer(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    opened = alone(database(postgres, "item_life"))
    yield opened
    await opened.sources.close()


async def test_an_item_is_retired_and_restored(writer: Writer) -> None:
    id_ = await writer.item()
    retired = await writer.done("retireConfigurationItem", id=id_, expectedVersion=1)
    assert (retired["status"], retired["version"]) == ("RETIRED", 2)
    restored = await writer.done("restoreConfigurationItem", id=id_, expectedVersion=2)
    assert (restored["status"], restored["version"]) == ("ACTIVE", 3)
    active, gone = ({"id": uuid(id_), "status": status} for status in ("ACTIVE", "RETIRED"))
    assert writer.audit(id_)[1:] == [
        ("RetireConfigurationItem", active, gone), ("RestoreConfigurationItem", gone, active),
    ]  # fmt: skip
    assert [change for _, change in writer.outbox(id_)] == ["CREATED", "CHANGED", "CHANGED"]
    history = "SELECT version, status FROM configuration_item_history WHERE id = %s ORDER BY version"
    assert writer.rows(history, uuid(id_)) == [(1, "ACTIVE"), (2, "RETIRED")]


async def test_an_item_is_restored_to_a_state_of_its_life(writer: Writer) -> None:
    id_ = await writer.item()
    await writer.done("retireConfigurationItem", id=id_, expectedVersion=1)
    asked = {"id": id_, "expectedVersion": 2}
    assert await writer.refused("restoreConfigurationItem", **asked, status="RETIRED") == [("INVALID", "status")]
    restored = await writer.done("restoreConfigurationItem", **asked, status="MAINTENANCE")
    assert restored["status"] == "MAINTENANCE"


async def test_a_step_that_a_state_does_not_allow_names_the_legal_one(writer: Writer) -> None:
    id_ = await writer.item()
    early = await writer.write("restoreConfigurationItem", id=id_, expectedVersion=1)
    assert codes(early) == [("ILLEGAL_STATE", "id")]
    assert "updateConfigurationItem" in early["userErrors"][0]["message"]
    await writer.done("retireConfigurationItem", id=id_, expectedVersion=1)
    again = await writer.write("retireConfigurationItem", id=id_, expectedVersion=2)
    assert codes(again) == [("ILLEGAL_STATE", "id")]
    assert "restoreConfigurationItem" in again["userErrors"][0]["message"]
    assert len(writer.audit(id_)) == 2


async def test_a_lost_race_retires_and_restores_nothing(writer: Writer) -> None:
    id_ = await writer.item()
    for mutation in ("retireConfigurationItem", "restoreConfigurationItem"):
        assert await writer.refused(mutation, id=id_, expectedVersion=7) == [("CONFLICT", "expectedVersion")]


async def test_a_key_is_added_and_taken_away(writer: Writer) -> None:
    id_ = await writer.item()
    key = {"configurationItemId": id_, "source": "cmdb", "key": "4711"}
    added = await writer.done("addIdentificationKey", **key)
    assert (added["keys"], added["version"]) == ([{"source": "cmdb", "key": "4711"}], 2)
    found = "SELECT configuration_item_id::text FROM configuration_item_keys WHERE (source, key) = ('cmdb', '4711')"
    assert writer.rows(found) == [(uuid(id_),)]
    removed = await writer.done("removeIdentificationKey", **key)
    assert (removed["keys"], removed["version"]) == ([], 3)
    assert writer.rows(found) == []
    without: dict[str, object] = {"id": uuid(id_), "keys": []}
    with_: dict[str, object] = {"id": uuid(id_), "keys": [{"source": "cmdb", "key": "4711"}]}
    assert writer.audit(id_)[1:] == [
        ("AddIdentificationKey", without, with_), ("RemoveIdentificationKey", with_, without),
    ]  # fmt: skip
    assert [change for _, change in writer.outbox(id_)] == ["CREATED", "CHANGED", "CHANGED"]


async def test_a_key_that_the_item_has_is_not_written_again(writer: Writer) -> None:
    id_ = await writer.item()
    key = {"configurationItemId": id_, "source": "cmdb", "key": "twice"}
    await writer.done("addIdentificationKey", **key)
    before = writer.counts()
    assert (await writer.done("addIdentificationKey", **key))["version"] == 2
    assert writer.counts() == before


async def test_a_taken_key_names_who_has_it(writer: Writer) -> None:
    holder, other = await writer.item("holder"), await writer.item("other")
    await writer.done("addIdentificationKey", configurationItemId=holder, source="cmdb", key="taken")
    before = writer.counts()
    refused = await writer.write("addIdentificationKey", configurationItemId=other, source="cmdb", key="taken")
    assert codes(refused) == [("TAKEN", "key")]
    assert f"holder ({holder})" in refused["userErrors"][0]["message"]
    assert writer.counts() == before
    wrong = {"configurationItemId": other, "source": "cmdb", "key": "taken"}
    assert await writer.refused("removeIdentificationKey", **wrong) == [("NOT_FOUND", "key")]


async def test_of_two_who_want_a_key_at_once_one_gets_it(writer: Writer) -> None:
    ids = [await writer.item(str(n)) for n in range(4)]
    answers = await asyncio.gather(
        *(writer.write("addIdentificationKey", configurationItemId=id_, source="race", key="k") for id_ in ids)
    )
    assert sorted(code for each in answers for code, _ in codes(each)) == ["TAKEN", "TAKEN", "TAKEN"]
    assert writer.rows("SELECT count(*) FROM configuration_item_keys WHERE source = 'race'") == [(1,)]


@pytest.mark.parametrize("mutation", ["addIdentificationKey", "removeIdentificationKey"])
async def test_a_key_needs_an_item_a_source_and_a_text(writer: Writer, mutation: str) -> None:
    id_ = await writer.item()
    assert await writer.refused(mutation, configurationItemId=id_, source=" ", key="") == [
        ("INVALID", "source"), ("INVALID", "key"),
    ]  # fmt: skip
    assert await writer.refused(mutation, configurationItemId=id_, source="a", key="\0") == [("INVALID", "key")]
    assert await writer.refused(mutation, configurationItemId=f"ci_{NOBODY}", source="a", key="b") == [
        ("NOT_FOUND", "configurationItemId")
    ]
