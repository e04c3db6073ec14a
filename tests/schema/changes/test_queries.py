"""Changes and what hangs on them."""

from collections.abc import AsyncIterator

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.operations import CHANGE, Operations, opened, uuid


@pytest.fixture(scope="module")
async def changes(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "changes") as operations:
        yield operations


async def test_all_attributes_by_number_and_by_id(changes: Operations) -> None:
    answer = await changes.ask(
        f"""{{ change(number: "CHG3") {{ id number title description type state risk plannedStart plannedEnd actualStart
               actualEnd version updatedAt }} same: change(id: "chg_{uuid(CHANGE, 3)}") {{ number }}
               none: change(number: "CHG99") {{ id }} node(id: "chg_{uuid(CHANGE, 99)}") {{ id }} }}"""
    )
    assert answer.errors == []
    assert answer.data == {
        "change": {
            "id": f"chg_{uuid(CHANGE, 3)}",
            "number": "CHG3",
            "title": "Restart redis",
            "description": "",
            "type": "EMERGENCY",
            "state": "COMPLETED",
            "risk": "MEDIUM",
            "plannedStart": "2026-02-10T23:00:00+00:00",
            "plannedEnd": None,
            "actualStart": None,
            "actualEnd": None,
            "version": 1,
            "updatedAt": "2026-02-11T00:00:00+00:00",
        },
        "same": {"number": "CHG3"},
        "none": None,
        "node": None,
    }
    assert answer.statements == 2


async def test_links_of_all_changes_take_one_statement_each(changes: Operations) -> None:
    answer = await changes.ask(
        """{ changes(orderBy: {field: NUMBER}) { nodes { number team { key } configurationItems { nodes { name } }
             incidents { nodes { number change { number } } } } } }"""
    )
    assert answer.errors == []
    assert answer.data["changes"]["nodes"] == [
        {
            "number": "CHG1",
            "team": {"key": "payments"},
            "configurationItems": {"nodes": [{"name": "ledger"}, {"name": "shop"}]},
            "incidents": {"nodes": [{"number": "INC1", "change": {"number": "CHG1"}}]},
        },
        {
            "number": "CHG2",
            "team": {"key": "platform"},
            "configurationItems": {"nodes": [{"name": "shop"}]},
            "incidents": {"nodes": []},
        },
        {
            "number": "CHG3",
            "team": {"key": "platform"},
            "configurationItems": {"nodes": [{"name": "redis"}]},
            "incidents": {"nodes": []},
        },
        {"number": "CHG4", "team": None, "configurationItems": {"nodes": []}, "incidents": {"nodes": []}},
    ]
    # Changes, teams, configuration items, incidents, the incidents' changes.
    assert answer.statements == 5


async def test_changes_of_items_in_default_order(changes: Operations) -> None:
    answer = await changes.ask(
        """{ configurationItems { nodes { name
             changes { totalCount nodes { number } groups(by: RISK) { value count } } } } }"""
    )
    assert answer.errors == []
    assert answer.data["configurationItems"]["nodes"] == [
        {"name": "attic", "changes": {"totalCount": 0, "nodes": [], "groups": []}},
        {
            "name": "ledger",
            "changes": {"totalCount": 1, "nodes": [{"number": "CHG1"}], "groups": [{"value": "HIGH", "count": 1}]},
        },
        {
            "name": "redis",
            "changes": {"totalCount": 1, "nodes": [{"number": "CHG3"}], "groups": [{"value": "MEDIUM", "count": 1}]},
        },
        {
            "name": "shop",
            "changes": {
                "totalCount": 2,
                "nodes": [{"number": "CHG2"}, {"number": "CHG1"}],
                "groups": [{"value": "HIGH", "count": 1}, {"value": "LOW", "count": 1}],
            },
        },
    ]
    assert answer.statements == 4


async def test_groups_count_what_the_filter_leaves(changes: Operations) -> None:
    answer = await changes.ask(
        """{ changes { state: groups(by: STATE) { value count } type: groups(by: TYPE) { value count }
                       risk: groups(by: RISK) { value count } }
             some: changes(filter: {state: {eq: COMPLETED}}) { groups(by: TYPE) { value count } } }"""
    )
    assert answer.errors == []

    def counted(groups: list[dict[str, object]]) -> list[tuple[object, object]]:
        return [(group["value"], group["count"]) for group in groups]

    assert counted(answer.data["changes"]["state"]) == [("COMPLETED", 2), ("PROPOSED", 1), ("SCHEDULED", 1)]
    assert counted(answer.data["changes"]["type"]) == [("NORMAL", 2), ("EMERGENCY", 1), ("STANDARD", 1)]
    assert counted(answer.data["changes"]["risk"]) == [("HIGH", 1), ("LOW", 1), ("MEDIUM", 1), ("UNKNOWN", 1)]
    assert counted(answer.data["some"]["groups"]) == [("EMERGENCY", 1), ("NORMAL", 1)]
    assert answer.statements == 4


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        ("", ["CHG4", "CHG2", "CHG1", "CHG3"]),
        ("(orderBy: {field: PLANNED_START})", ["CHG3", "CHG1", "CHG2", "CHG4"]),
        ("(orderBy: {field: UPDATED_AT})", ["CHG2", "CHG3", "CHG1", "CHG4"]),
        ("(orderBy: {field: UPDATED_AT, direction: DESC})", ["CHG4", "CHG1", "CHG3", "CHG2"]),
        ("(orderBy: {field: NUMBER, direction: DESC})", ["CHG4", "CHG3", "CHG2", "CHG1"]),
    ],
)
async def test_orders(changes: Operations, order: str, numbers: list[str]) -> None:
    data = await changes.data(f"{{ changes{order} {{ nodes {{ number }} }} }}")
    assert [each["number"] for each in data["changes"]["nodes"]] == numbers


async def test_without_permission_only_the_field_is_null(changes: Operations) -> None:
    answer = await changes.asked_by(without="changes:read").ask(
        """{ changes { totalCount } incident(number: "INC1") { number change { number } }
             configurationItems(filter: {name: {eq: "shop"}}) { nodes { name changes { totalCount } } } }"""
    )
    assert answer.data == {
        "changes": None,
        "incident": {"number": "INC1", "change": None},
        "configurationItems": {"nodes": [{"name": "shop", "changes": None}]},
    }
    assert answer.codes == [
        ("changes", "FORBIDDEN"),
        ("configurationItems.nodes.0.changes", "FORBIDDEN"),
        ("incident.change", "FORBIDDEN"),
    ]
    assert answer.statements == 2
