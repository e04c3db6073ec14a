"""The law of restricted incidents: outside its team one is in no list, count, group, filter or link."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.operations import INCIDENT, Operations, opened, uuid

SECRET = f"inc_{uuid(INCIDENT, 2)}"

# Every way to an incident, and what tells that INC2 was met there. INC2 is the only one ON_HOLD, of priority 1 and
# with shop in it, and its title is the only one with 'leaked'.
WAYS: dict[str, tuple[str, Any, Any]] = {
    "by number": ('incident(number: "INC2") { number }', {"number": "INC2"}, None),
    "by id": (f'incident(id: "{SECRET}") {{ number }}', {"number": "INC2"}, None),
    "as node": (f'node(id: "{SECRET}") {{ id }}', {"id": SECRET}, None),
    "among nodes": (f'nodes(ids: ["{SECRET}"]) {{ id }}', [{"id": SECRET}], [None]),
    "list": (
        "incidents(orderBy: {field: NUMBER}) { nodes { number } }",
        {"nodes": [{"number": "INC1"}, {"number": "INC2"}, {"number": "INC3"}]},
        {"nodes": [{"number": "INC1"}, {"number": "INC3"}]},
    ),
    "list from the end": (
        "incidents(last: 2, orderBy: {field: NUMBER}) { nodes { number } pageInfo { hasPreviousPage } }",
        {"nodes": [{"number": "INC2"}, {"number": "INC3"}], "pageInfo": {"hasPreviousPage": True}},
        {"nodes": [{"number": "INC1"}, {"number": "INC3"}], "pageInfo": {"hasPreviousPage": False}},
    ),
    "whether more follow": (
        "incidents(first: 2, orderBy: {field: NUMBER}) { pageInfo { hasNextPage } }",
        {"pageInfo": {"hasNextPage": True}},
        {"pageInfo": {"hasNextPage": False}},
    ),
    "count": ("incidents { totalCount }", {"totalCount": 3}, {"totalCount": 2}),
    "filtered count": (
        'incidents(filter: {title: {contains: "leaked"}}) { totalCount }',
        {"totalCount": 1},
        {"totalCount": 0},
    ),
    "count by id": (
        f'incidents(filter: {{id: {{eq: "{SECRET}"}}}}) {{ totalCount }}',
        {"totalCount": 1},
        {"totalCount": 0},
    ),
    "negated count": (
        'incidents(filter: {not: {title: {contains: "slow"}}}) { totalCount }',
        {"totalCount": 2},
        {"totalCount": 1},
    ),
    "groups": (
        "incidents { groups(by: STATE) { value count } }",
        {"groups": [{"value": value, "count": 1} for value in ("CLOSED", "NEW", "ON_HOLD")]},
        {"groups": [{"value": value, "count": 1} for value in ("CLOSED", "NEW")]},
    ),
    "change": (
        'change(number: "CHG1") { incidents { totalCount nodes { number } groups(by: PRIORITY) { value } } }',
        {
            "incidents": {
                "totalCount": 2,
                "nodes": [{"number": "INC2"}, {"number": "INC1"}],
                "groups": [{"value": "1"}, {"value": "2"}],
            }
        },
        {"incidents": {"totalCount": 1, "nodes": [{"number": "INC1"}], "groups": [{"value": "2"}]}},
    ),
    "team": (
        'team(key: "payments") { incidents { totalCount nodes { number } groups(by: PRIORITY) { value } } }',
        {
            "incidents": {
                "totalCount": 2,
                "nodes": [{"number": "INC2"}, {"number": "INC1"}],
                "groups": [{"value": "1"}, {"value": "2"}],
            }
        },
        {"incidents": {"totalCount": 1, "nodes": [{"number": "INC1"}], "groups": [{"value": "2"}]}},
    ),
    "configuration items": (
        """configurationItems(filter: {name: {in: ["ledger", "shop"]}}) { nodes { name
           incidents { totalCount nodes { number } groups(by: PRIORITY) { value } } } }""",
        {
            "nodes": [
                {
                    "name": "ledger",
                    "incidents": {
                        "totalCount": 2,
                        "nodes": [{"number": "INC2"}, {"number": "INC1"}],
                        "groups": [{"value": "1"}, {"value": "2"}],
                    },
                },
                {
                    "name": "shop",
                    "incidents": {"totalCount": 1, "nodes": [{"number": "INC2"}], "groups": [{"value": "1"}]},
                },
            ]
        },
        {
            "nodes": [
                {
                    "name": "ledger",
                    "incidents": {"totalCount": 1, "nodes": [{"number": "INC1"}], "groups": [{"value": "2"}]},
                },
                {"name": "shop", "incidents": {"totalCount": 0, "nodes": [], "groups": []}},
            ]
        },
    ),
    "configuration items with some": (
        "configurationItems(filter: {incidents: {some: {}}}) { totalCount nodes { name } }",
        {"totalCount": 3, "nodes": [{"name": "ledger"}, {"name": "redis"}, {"name": "shop"}]},
        {"totalCount": 2, "nodes": [{"name": "ledger"}, {"name": "redis"}]},
    ),
    "configuration items with none": (
        "configurationItems(filter: {incidents: {none: {priority: {lte: 1}}}}) { nodes { name } }",
        {"nodes": [{"name": "attic"}, {"name": "redis"}]},
        {"nodes": [{"name": "attic"}, {"name": "ledger"}, {"name": "redis"}, {"name": "shop"}]},
    ),
    "groups of configuration items with some": (
        "configurationItems(filter: {incidents: {some: {priority: {eq: 1}}}}) { groups(by: CLASS) { value count } }",
        {"groups": [{"value": "database", "count": 1}, {"value": "service", "count": 1}]},
        {"groups": []},
    ),
    "changes with some": (
        "changes(filter: {incidents: {some: {state: {eq: ON_HOLD}}}}) { totalCount nodes { number } }",
        {"totalCount": 1, "nodes": [{"number": "CHG1"}]},
        {"totalCount": 0, "nodes": []},
    ),
    "changes with none": (
        "changes(filter: {incidents: {none: {state: {eq: ON_HOLD}}}}) { totalCount }",
        {"totalCount": 3},
        {"totalCount": 4},
    ),
    "documents by way of configuration items": (
        """documents(filter: {configurationItems: {some: {incidents: {some: {title: {contains: "leaked"}}}}}}) {
           nodes { key } }""",
        {"nodes": [{"key": "KB2"}, {"key": "KB1"}]},
        {"nodes": []},
    ),
    "configuration items by way of changes": (
        """configurationItems(filter: {changes: {some: {incidents: {some: {state: {eq: ON_HOLD}}}}}}) {
           nodes { name } }""",
        {"nodes": [{"name": "ledger"}, {"name": "shop"}]},
        {"nodes": []},
    ),
    "requirements' configuration items": (
        """requirement(key: "REQ-1") {
           configurationItems(filter: {incidents: {some: {priority: {eq: 1}}}}) { totalCount nodes { name } } }""",
        {"configurationItems": {"totalCount": 2, "nodes": [{"name": "ledger"}, {"name": "shop"}]}},
        {"configurationItems": {"totalCount": 0, "nodes": []}},
    ),
}


@pytest.fixture(scope="module")
async def restricted(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "restricted") as operations:
        yield operations


def first(data: dict[str, Any]) -> Any:
    (value,) = data.values()
    return value


@pytest.mark.parametrize("way", WAYS)
async def test_outside_its_team_it_is_nowhere(restricted: Operations, way: str) -> None:
    document, _, hidden = WAYS[way]
    for team_keys in ((), ("platform",), ("Payments", "payment", "payments ")):
        assert first(await restricted.asked_by(*team_keys).data(f"{{ {document} }}")) == hidden


@pytest.mark.parametrize("way", WAYS)
async def test_its_team_sees_it_everywhere(restricted: Operations, way: str) -> None:
    document, seen, _ = WAYS[way]
    assert first(await restricted.asked_by("payments").data(f"{{ {document} }}")) == seen
    assert first(await restricted.asked_by("platform", "payments").data(f"{{ {document} }}")) == seen


@pytest.mark.parametrize("way", WAYS)
async def test_who_reads_all_restricted_incidents_sees_it_everywhere(restricted: Operations, way: str) -> None:
    document, seen, _ = WAYS[way]
    assert first(await restricted.asked_by(also="incidents:read-restricted").data(f"{{ {document} }}")) == seen


async def test_hidden_and_unknown_ids_look_the_same(restricted: Operations) -> None:
    """Neither the data, nor an error, nor the statements tell them apart."""
    answers = [
        await restricted.ask(f'{{ incident(id: "{id_}") {{ number }} node(id: "{id_}") {{ id }} }}')
        for id_ in (SECRET, f"inc_{uuid(INCIDENT, 77)}")
    ]
    assert answers[0] == answers[1]
    assert answers[0].data == {"incident": None, "node": None}
