"""Requirements: a second database, linked to configuration items by id, lost without taking the rest along."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import free_port
from datasources.records.queries import Order, PageRequest, Scope
from datasources.request import RequestContext
from resolvers.configuration_items.loaders import ConfigurationItemsByRequirement
from resolvers.context import Context
from resolvers.loading.tables import RowsArguments, Selection
from resolvers.principals.principal import Principal, PrincipalKind
from tests.fixtures.operations import REQUIREMENT, Operations, opened, uuid


@pytest.fixture(scope="module")
async def requirements(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "requirements_schema") as operations:
        yield operations


async def test_by_key_and_by_id(requirements: Operations) -> None:
    answer = await requirements.ask(
        f"""{{ requirement(key: "REQ-1") {{ id key title description kind state priority version updatedAt }}
               same: requirement(id: "req_{uuid(REQUIREMENT, 1)}") {{ key }} none: requirement(key: "REQ-9") {{ key }}
               node(id: "req_{uuid(REQUIREMENT, 3)}") {{ ... on Requirement {{ key }} }} }}"""
    )
    assert answer.errors == []
    assert answer.data == {
        "requirement": {
            "id": f"req_{uuid(REQUIREMENT, 1)}",
            "key": "REQ-1",
            "title": "Up 99.9%",
            "description": "",
            "kind": "AVAILABILITY",
            "state": "MET",
            "priority": "HIGH",
            "version": 1,
            "updatedAt": "2026-01-01T00:00:00+00:00",
        },
        "same": {"key": "REQ-1"},
        "none": None,
        "node": {"key": "REQ-3"},
    }
    assert answer.statements == 2


async def test_items_come_in_one_statement_of_each_database(requirements: Operations) -> None:
    """Neither the link that is not settled nor the item that the main database does not know is an error."""
    answer = await requirements.ask("{ requirements { nodes { key configurationItems { nodes { name } } } } }")
    assert answer.errors == []
    assert answer.data["requirements"]["nodes"] == [
        {"key": "REQ-1", "configurationItems": {"nodes": [{"name": "ledger"}, {"name": "shop"}]}},
        {"key": "REQ-2", "configurationItems": {"nodes": [{"name": "ledger"}]}},
        {"key": "REQ-3", "configurationItems": {"nodes": []}},
    ]
    # The requirements, the ids of their items, the items.
    assert answer.statements == 3


async def test_items_are_counted_grouped_filtered_and_paged_like_any_others(requirements: Operations) -> None:
    document = """query ($after: String) { requirement(key: "REQ-1") {
        configurationItems(first: 1, after: $after, orderBy: {field: NAME, direction: DESC}) {
            totalCount nodes { name } pageInfo { hasNextPage endCursor } groups(by: CLASS) { value count } }
        databases: configurationItems(filter: {class: {eq: "database"}}) { totalCount nodes { name } } } }"""
    first = await requirements.ask(document)
    assert first.errors == []
    items = first.data["requirement"]["configurationItems"]
    assert (items["totalCount"], items["nodes"], items["pageInfo"]["hasNextPage"]) == (2, [{"name": "shop"}], True)
    assert items["groups"] == [{"value": "database", "count": 1}, {"value": "service", "count": 1}]
    assert first.data["requirement"]["databases"] == {"totalCount": 1, "nodes": [{"name": "ledger"}]}
    # The requirement, the ids once for all five, two pages, two counts, the groups.
    assert first.statements == 7
    second = await requirements.ask(document, after=items["pageInfo"]["endCursor"])
    items = second.data["requirement"]["configurationItems"]
    assert (items["nodes"], items["pageInfo"]["hasNextPage"]) == ([{"name": "ledger"}], False)


def test_a_page_of_items_is_stale_when_either_database_changes(requirements: Operations) -> None:
    context = Context(
        Principal("test", "test", PrincipalKind.USER, frozenset()), Scope(False), requirements.sources, RequestContext()
    )
    selected = RowsArguments(Selection(), page=PageRequest(1, Order("name")))
    for loader in (
        ConfigurationItemsByRequirement,
        ConfigurationItemsByRequirement.counts,
        ConfigurationItemsByRequirement.groups,
    ):
        assert {"configuration_items", "requirement_configuration_items"} <= set(context.loader(loader, selected).reads)


async def test_requirements_of_items(requirements: Operations) -> None:
    answer = await requirements.ask(
        """{ configurationItems { nodes { name requirements(filter: {state: {in: [ACCEPTED, MET]}}) {
             totalCount nodes { key } groups(by: KIND) { value count } } } } }"""
    )
    assert answer.errors == []
    found = {each["name"]: each["requirements"] for each in answer.data["configurationItems"]["nodes"]}
    assert found == {
        "attic": {"totalCount": 0, "nodes": [], "groups": []},
        # Linked to REQ-2 by two keys, counted once.
        "ledger": {
            "totalCount": 2,
            "nodes": [{"key": "REQ-1"}, {"key": "REQ-2"}],
            "groups": [{"value": "AVAILABILITY", "count": 1}, {"value": "SECURITY", "count": 1}],
        },
        "redis": {"totalCount": 0, "nodes": [], "groups": []},
        "shop": {"totalCount": 1, "nodes": [{"key": "REQ-1"}], "groups": [{"value": "AVAILABILITY", "count": 1}]},
    }
    assert answer.statements == 4


@pytest.mark.parametrize(
    ("filter_", "keys"),
    [
        ('{title: {contains: "ENCRYPT"}}', ["REQ-2"]),
        ('{key: {startsWith: "req-"}, priority: {in: [LOW, HIGH]}}', ["REQ-1", "REQ-3"]),
        ("{kind: {eq: COMPLIANCE}}", ["REQ-3"]),
        ('{updatedAt: {gte: "2026-02-01T00:00:00Z"}}', ["REQ-2", "REQ-3"]),
        ("{not: {state: {eq: ACCEPTED}}}", ["REQ-1"]),
    ],
)
async def test_filters(requirements: Operations, filter_: str, keys: list[str]) -> None:
    data = await requirements.data(f"{{ requirements(filter: {filter_}) {{ totalCount nodes {{ key }} }} }}")
    assert data["requirements"] == {"totalCount": len(keys), "nodes": [{"key": key} for key in keys]}


@pytest.mark.parametrize(("field", "keys"), [("TITLE", "231"), ("UPDATED_AT", "123"), ("KEY", "123")])
async def test_orders(requirements: Operations, field: str, keys: str) -> None:
    data = await requirements.data(f"{{ requirements(orderBy: {{field: {field}}}) {{ nodes {{ key }} }} }}")
    assert [each["key"] for each in data["requirements"]["nodes"]] == [f"REQ-{key}" for key in keys]


async def test_a_lost_database_takes_only_its_own_fields(requirements: Operations) -> None:
    lost = Database(
        "requirements", f"postgresql://nobody@127.0.0.1:{free_port()}/requirements", connect_timeout=1, pool_timeout=0.5
    )
    without = replace(requirements, sources=replace(requirements.sources, requirements=lost))
    answer = await without.ask(
        f"""{{ requirements {{ nodes {{ key }} }} node(id: "req_{uuid(REQUIREMENT, 1)}") {{ id }}
               requirement(key: "REQ-1") {{ key }}
               configurationItems(filter: {{name: {{eq: "shop"}}}}) {{ nodes {{ name
                   requirements {{ totalCount }} changes {{ totalCount }} }} }} }}"""
    )
    await lost.close()
    assert answer.data == {
        "requirements": None,
        "node": None,
        "requirement": None,
        "configurationItems": {"nodes": [{"name": "shop", "requirements": None, "changes": {"totalCount": 2}}]},
    }
    assert answer.codes == [
        ("configurationItems.nodes.0.requirements.totalCount", "SOURCE_UNAVAILABLE"),
        ("node", "SOURCE_UNAVAILABLE"),
        ("requirement", "SOURCE_UNAVAILABLE"),
        ("requirements.nodes", "SOURCE_UNAVAILABLE"),
    ]
    assert {error["extensions"]["store"] for error in answer.errors} == {"requirements"}


async def test_a_lost_main_database_leaves_the_requirements(requirements: Operations) -> None:
    lost = Database("main", f"postgresql://nobody@127.0.0.1:{free_port()}/main", connect_timeout=1, pool_timeout=0.5)
    without = replace(requirements, sources=replace(requirements.sources, main=lost))
    answer = await without.ask('{ requirement(key: "REQ-1") { key configurationItems { totalCount nodes { name } } } }')
    await lost.close()
    assert answer.data == {"requirement": {"key": "REQ-1", "configurationItems": None}}
    assert {(error["extensions"]["code"], error["extensions"]["store"]) for error in answer.errors} == {
        ("SOURCE_UNAVAILABLE", "main")
    }


async def test_without_permission_only_the_field_is_null(requirements: Operations) -> None:
    document = """{ requirements { totalCount } configurationItems(filter: {name: {eq: "shop"}}) {
        nodes { name requirements { totalCount } } } }"""
    answer = await requirements.asked_by(without="requirements:read").ask(document)
    assert answer.data == {
        "requirements": None,
        "configurationItems": {"nodes": [{"name": "shop", "requirements": None}]},
    }
    assert answer.codes == [
        ("configurationItems.nodes.0.requirements", "FORBIDDEN"),
        ("requirements", "FORBIDDEN"),
    ]
    assert answer.statements == 1
