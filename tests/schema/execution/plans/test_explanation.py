"""Explanations: how an answer was made, for callers with the permission."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext
from resolvers.context import Context, Limits
from resolvers.principals.principal import Principal
from schema.execution.execution import GraphQLRequest, execute_request
from tests.fixtures.answers import READS, REDIS, Library, open_library
from tests.fixtures.databases import person

OWNERS = "{ configurationItems(first: 10) { totalCount nodes { name owner { key } } } }"
ENGINEER = person(*READS, "operations:explain")


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "explanation") as opened:
        yield opened


async def explain(
    library: Library, document: str, principal: Principal = ENGINEER, *, statements: bool = False, plans: bool = True
) -> dict[str, Any]:
    """The body of the response to a request for an explanation."""
    context = Context(principal, principal.scope, library.sources, RequestContext(), Limits(plans=plans))
    request = GraphQLRequest(document, explain=True, explain_statements=statements)
    return (await execute_request(request, context, DocumentLimits())).body


async def test_levels_statements_and_costs(library: Library) -> None:
    body = await explain(library, OWNERS)
    plan = body["extensions"]["plan"]
    assert (plan["executedBy"], plan["fallback"]) == ("plan", None)
    assert plan["levels"] == [
        {
            "path": "", "level": 0, "type": "Query", "columns": [],
            "loads": [{"field": "configurationItems", "loader": "ConfigurationItems", "omitted": ["attributes"]}],
        },
        {
            "path": "configurationItems", "level": 1, "type": "ConfigurationItemConnection", "columns": [],
            "loads": [{"field": "totalCount"}, {"field": "nodes"}],
        },
        {
            "path": "configurationItems.nodes", "level": 2, "type": "ConfigurationItem", "columns": ["name"],
            "loads": [{"field": "owner", "loader": "TeamById"}],
        },
        {"path": "configurationItems.nodes.owner", "level": 3, "type": "Team", "columns": ["key"], "loads": []},
    ]  # fmt: skip
    found = {each["name"]: each["rows"] for each in plan["statements"]}
    assert found == {"configuration_items_page": 4, "configuration_items_count": 1, "teams_by_ids": 1}
    assert all(each["milliseconds"] > 0 and "plan" not in each for each in plan["statements"])
    assert plan["cache"] == {"hits": 0, "misses": 0, "roundTrips": 0}
    assert plan["cost"] > 0
    assert body["extensions"]["stores"]["sql"] == 3


async def test_plans_of_postgresql(library: Library) -> None:
    body = await explain(library, OWNERS, statements=True)
    page = next(each for each in body["extensions"]["plan"]["statements"] if each["name"] == "teams_by_ids")
    assert any("on teams" in line for line in page["plan"])
    # They count as no statement.
    assert body["extensions"]["stores"]["sql"] == 3


async def test_graphql_core_says_why(library: Library) -> None:
    document = f'{{ configurationItem(id: "ci_{REDIS}") {{ name changes {{ totalCount }} }} }}'
    plan = (await explain(library, document))["extensions"]["plan"]
    assert (plan["executedBy"], plan["fallback"]) == ("graphql-core", "Forbidden")
    assert [each["name"] for each in plan["statements"]] == ["configuration_items_by_ids"]
    plan = (await explain(library, document, plans=False))["extensions"]["plan"]
    assert (plan["executedBy"], plan["fallback"], plan["levels"]) == ("graphql-core", None, [])


async def test_only_for_callers_with_the_permission(library: Library) -> None:
    body = await explain(library, OWNERS, person(*READS))
    assert "data" not in body
    assert body["errors"][0]["extensions"] == {"code": "FORBIDDEN", "permission": "operations:explain"}
    assert "plan" not in body["extensions"]


async def test_an_answer_without_the_request_has_no_explanation(library: Library) -> None:
    context = Context(ENGINEER, ENGINEER.scope, library.sources, RequestContext())
    body = (await execute_request(GraphQLRequest(OWNERS), context, DocumentLimits())).body
    assert "plan" not in body["extensions"]
    assert body["data"] == (await explain(library, OWNERS))["data"]


async def test_the_first_statements_explain_many(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasources.aurora.driver.explanation.MAX_EXPLAINED_STATEMENTS", 2)
    body = await explain(library, OWNERS)
    assert body["extensions"]["stores"]["sql"] == 3
    assert len(body["extensions"]["plan"]["statements"]) == 2
