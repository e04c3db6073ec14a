"""Rows with stored values that nobody can show are written: what is not given stays as it is stored."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.databases import READER, person
from tests.fixtures.poison import DEEP, LARGE_NUMBER, id_of, poisoned, row
from tests.fixtures.writing import ADA, PERMISSIONS, SELECTIONS, Writer, alone

WRITER = person(*PERMISSIONS, *READER, "workflows:write")
WORKFLOWS = {
    "updateWorkflow": "workflow { name trigger version }", "reviseWorkflow": "workflow { revision trigger }",
    "retireWorkflow": "workflow { state }",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _selections(monkeypatch: pytest.MonkeyPatch) -> None:
    for mutation, selection in WORKFLOWS.items():
        monkeypatch.setitem(SELECTIONS, mutation, selection)


@pytest.fixture(params=[LARGE_NUMBER, DEEP], ids=["large number", "deep"])
async def writer(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Writer]:
    name = "poisoned_writes_deep" if request.param == DEEP else "poisoned_writes_large"
    opened = alone(poisoned_once(postgres, name, request.param))
    yield opened
    await opened.sources.close()


MADE: dict[str, str] = {}


def poisoned_once(postgres: EmbeddedPostgres, name: str, document: str) -> str:
    if name not in MADE:
        MADE[name] = poisoned(postgres, name, document, "infinity")
    return MADE[name]


async def sent(writer: Writer, mutation: str, **input: Any) -> tuple[Any, list[str]]:
    """What the mutation is about, without user errors, and the codes of errors of fields."""
    answer = await writer.send(mutation, ADA if "Change" in mutation or "Incident" in mutation else WRITER, **input)
    payload = answer.data[mutation]
    assert payload["userErrors"] == []
    return next(value for name, value in payload.items() if name != "userErrors"), answer.codes


async def test_a_poisoned_item_is_renamed_retired_and_restored_and_its_attributes_replaced(writer: Writer) -> None:
    id = f"ci_{id_of(1)}"
    same = (
        "SELECT c.attributes = i.attributes FROM configuration_items c JOIN incidents i USING (id) "
        f"WHERE id = '{id_of(1)}'"
    )
    shown, codes = await sent(writer, "updateConfigurationItem", id=id, expectedVersion=1, name="renamed")
    assert (shown["name"], shown["attributes"], codes) == ("renamed", {}, ["VALUE_UNREADABLE"])
    assert row(writer.url, same) is True
    assert (await sent(writer, "retireConfigurationItem", id=id, expectedVersion=2))[0]["status"] == "RETIRED"
    assert (await sent(writer, "restoreConfigurationItem", id=id, expectedVersion=3))[0]["status"] == "ACTIVE"
    assert row(writer.url, same) is True
    shown, codes = await sent(writer, "updateConfigurationItem", id=id, expectedVersion=4, attributes={"tier": 1})
    assert (shown["attributes"], codes) == ({"tier": 1}, [])


async def test_a_poisoned_relationship_is_changed(writer: Writer) -> None:
    id = f"rel_{id_of(1)}"
    shown, codes = await sent(writer, "updateRelationship", id=id, expectedVersion=1, attributes={"a": 1})
    assert (shown["attributes"], codes) == ({"a": 1}, [])


async def test_a_poisoned_incident_and_change_are_changed(writer: Writer) -> None:
    incident = {"id": f"inc_{id_of(1)}", "expectedVersion": 1, "title": "renamed"}
    shown, codes = await sent(writer, "updateIncident", **incident)
    assert (shown["title"], set(codes)) == ("renamed", {"VALUE_UNREADABLE"})
    assert row(writer.url, f"SELECT opened_at = 'infinity' FROM incidents WHERE id = '{id_of(1)}'") is True
    change = {"id": f"chg_{id_of(1)}", "expectedVersion": 1, "title": "renamed"}
    shown, codes = await sent(writer, "updateChange", **change)
    assert (shown["title"], codes) == ("renamed", ["VALUE_UNREADABLE"] * 2)
    kept = f"SELECT planned_end = 'infinity' FROM changes WHERE id = '{id_of(1)}'"
    assert row(writer.url, kept) is True


async def test_a_workflow_with_a_poisoned_definition_is_revised_and_retired(writer: Writer) -> None:
    shown, codes = await sent(writer, "reviseWorkflow", id=f"wf_{id_of(1)}", expectedVersion=1)
    assert (shown, codes) == ({"revision": 2, "trigger": {}}, ["VALUE_UNREADABLE"])
    # The copy holds what the original does.
    assert row(writer.url, "SELECT count(DISTINCT trigger) FROM workflows WHERE key = 'poisoned'") == 1
    assert row(writer.url, "SELECT count(DISTINCT configuration) FROM workflow_steps") == 1
    shown, _ = await sent(writer, "retireWorkflow", id=f"wf_{id_of(1)}", expectedVersion=1)
    assert shown == {"state": "RETIRED"}
