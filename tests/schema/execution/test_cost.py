"""What an operation costs is known before it runs, and counted while it runs."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from graphql import FragmentDefinitionNode, OperationDefinitionNode, get_introspection_query, parse

from bench.dearest_documents import families
from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext
from resolvers.context import Context, Limits
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.budget import FIELDS_PER_CHECK, FIELDS_PER_TURN, ExecutionBudget, ExecutionStopped
from schema.execution.cost import OperationCost
from schema.execution.document_cache import prepare_document
from schema.execution.execution import GraphQLRequest, GraphQLResponse, execute_request
from schema.execution.limits import MAX_FIELD_PAIRS, MAX_INTROSPECTION_DEPTH, check_cost, check_document
from tests.fixtures.databases import create_database, sources_of

ANYONE = Principal("anyone", "Anyone", PrincipalKind.USER, frozenset({"*"}))
STEPS = 12


def cost(document: str, variables: dict[str, Any] | None = None) -> int:
    parsed = parse(document)
    fragments = {each.name.value: each for each in parsed.definitions if isinstance(each, FragmentDefinitionNode)}
    (operation,) = (each for each in parsed.definitions if isinstance(each, OperationDefinitionNode))
    return OperationCost(operation, fragments, variables or {}, page=500).fields


def exceeded(document: str) -> list[Any]:
    return [(each.extensions or {}).get("limit") for each in check_document(parse(document), DocumentLimits())]


def chain(levels: int) -> str:
    return '{ workflow(key: "dag") { steps { ' + "dependsOn { " * levels + "key" + " }" * levels + " } } }"


# A leaf is 1, an object 2 more, what is awaited 5 more.
@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ("{ viewer { name subject } }", 1 + 5 + 2 + 2),
        # A page by default has 25 rows; the connection and its rows are awaited each.
        ("{ teams { nodes { key } } }", 8 + 6 + 25 * (2 + 1)),
        ("{ teams(first: 3) { nodes { key } totalCount } }", 8 + 6 + 3 * (2 + 1) + 6),
        ("{ teams(first: 900) { nodes { key } } }", 8 + 6 + 500 * (2 + 1)),
        ("{ changesSince { entries { kind } } }", 8 + 1 + 100 * (2 + 1)),
        ('{ search(text: "a") { results { title } } }', 8 + 1 + 10 * (2 + 1)),
        ('{ nodes(ids: ["a", "b"]) { id } }', 6 + 2 * (2 + 1) + 2),
        # A list that is no page has the size that its field declares.
        ('{ workflow(key: "a") { steps { key } } }', 8 + 6 + 20 * (2 + 1)),
        ('{ workflow(key: "a") { steps { dependsOnKeys } } }', 8 + 6 + 20 * (2 + 1 + 3)),
    ],
)
def test_the_estimate_is_exact(document: str, fields: int) -> None:
    assert cost(document) == fields


def test_the_same_list_in_itself_multiplies() -> None:
    costs = [cost(chain(levels)) for levels in range(9)]
    assert all(3 * a < b <= 5 * a for a, b in pairwise(costs[1:]))
    assert costs[-1] > DocumentLimits().cost


@pytest.mark.parametrize("first", [400, 400.0])
def test_variables_count_as_they_are_coerced(first: float) -> None:
    document = "query ($n: Int) { teams(first: $n) { nodes { key } } }"
    assert cost(document, {"n": first}) == cost("{ teams(first: 400) { nodes { key } } }")
    assert cost(document, {"n": None}) == cost(document) == cost("{ teams { nodes { key } } }")


def test_each_use_of_a_filter_counts_its_objects() -> None:
    """A variable is written once, and converted for each field that it is given to."""
    document = "query ($f: TeamFilter) {{ {} }}"
    once = document.format("a: teams(filter: $f) { totalCount }")
    twice = document.format("a: teams(filter: $f) { totalCount } b: teams(filter: $f) { totalCount }")
    given = {"f": {"or": [{"key": {"eq": "x"}}] * 100}}
    assert cost(once, given) - cost(once) > 200 * 20
    assert cost(twice, given) == 2 * cost(once, given)


def test_standard_introspection_is_within_the_limits() -> None:
    document = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    assert exceeded(document) == []
    assert cost(document) < DocumentLimits().cost


def test_the_dearest_documents_are_legal_but_for_those_that_show_a_refusal() -> None:
    refused = {}
    for name, document, variables in families():
        prepared = prepare_document(document, DocumentLimits()).document
        assert prepared is not None, name
        if errors := check_cost(prepared, None, variables, DocumentLimits(), ANYONE):
            refused[name] = (errors[0].extensions or {})["code"]
    refusals = ("lists in lists: teams, deeper", "lists in lists: steps, 7", "filter of too many objects")
    assert refused == dict.fromkeys(refusals, "LIMIT_EXCEEDED")


def test_introspection_is_counted_like_all_else() -> None:
    leaves = " ".join(f"a{n}: name" for n in range(61))
    assert exceeded("{ __schema { types { " + leaves + " } } }") == ["aliases"]
    deep = "fields { type { " * MAX_INTROSPECTION_DEPTH + "name" + " } }" * MAX_INTROSPECTION_DEPTH
    assert "depth of introspection" in exceeded("{ __schema { types { " + deep + " } } }")
    many = "fields { type { " * 6 + "name" + " } }" * 6
    assert cost("{ __schema { types { " + many + " } } }") > 10 * cost("{ __schema { types { name } } }")


@pytest.mark.parametrize(
    "document",
    [
        "{ " + "viewer { name } " * 150 + "}",
        "{ viewer { " + "name " * 200 + "} }",
        "{ ...A ...B } fragment A on Query { " + "viewer { name } " * 100 + "} fragment B on Query { "
        + "viewer { name } " * 60 + "}",
        "{ viewer { name } } fragment A on Query { " + "viewer { name } " * 150 + "}",
    ],
    ids=["objects", "leaves", "fragments", "a fragment that nothing spreads"],
)  # fmt: skip
def test_what_validation_compares_in_pairs_is_bounded(document: str) -> None:
    assert exceeded(document) == ["repeated fields"]


def test_fragments_that_repeat_fields_are_usual() -> None:
    """Components ask for the same few fields each."""
    spread = " ".join(f"...C{n}" for n in range(40))
    fragments = " ".join(f"fragment C{n} on Viewer {{ name subject }}" for n in range(40))
    assert MAX_FIELD_PAIRS > 2 * 40 * 39 // 2
    assert exceeded("{ viewer { " + spread + " } } " + fragments) == []
    assert exceeded("{ viewer { ...A } } fragment A on Viewer { teams { key } ...A }") == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def urls(postgres: EmbeddedPostgres) -> AsyncIterator[tuple[str, str]]:
    """A workflow whose steps depend on all before them: very many ways lead through it."""
    create_database(postgres, "cost", "main")
    main = postgres.url("cost")
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute("INSERT INTO workflows (id, key, name) VALUES (gen_random_uuid(), 'dag', 'DAG')")
        for number in range(STEPS):
            connection.execute(
                "INSERT INTO workflow_steps (id, workflow_id, key, position, name, kind, depends_on) "
                "SELECT gen_random_uuid(), id, %s, %s, 'Step', 'MANUAL', %s FROM workflows",
                [f"s{number}", number, [f"s{n}" for n in range(number)]],
            )
    yield main, postgres.url("requirements")


async def answer(urls: tuple[str, str], document: str, fields: int, deadline: float | None = None) -> GraphQLResponse:
    sources = sources_of(*urls)
    try:
        context = Context(ANYONE, ANYONE.scope, sources, RequestContext(deadline=deadline), Limits(fields=fields))
        return await execute_request(GraphQLRequest(document), context, DocumentLimits())
    finally:
        await sources.close()


async def test_an_answer_of_more_fields_than_estimated_stops_at_the_limit(urls: tuple[str, str]) -> None:
    response = await answer(urls, chain(3), 2_000)
    assert response.body["data"] is None
    assert [(each["message"], each["extensions"]) for each in response.body["errors"]] == [
        (
            "the answer has more than 2000 fields; ask for fewer rows or fields",
            {"code": "LIMIT_EXCEEDED", "limit": "cost", "allowed": 2_000},
        )
    ]


async def test_a_list_of_many_turns_is_whole(urls: tuple[str, str]) -> None:
    """12 steps have 12 * 11 / 2 pairs, and so on: what is completed in turns has all items, in order."""
    response = await answer(urls, chain(4), 200_000)
    assert "errors" not in response.body
    steps = response.body["data"]["workflow"]["steps"]
    expected = _ways(STEPS, 4)
    assert [each["dependsOn"] for each in steps] == [each["dependsOn"] for each in expected]
    assert response.body["extensions"]["stores"]["sql"] == 2


def _ways(before: int, levels: int) -> list[dict[str, Any]]:
    if levels == 0:
        return [{"key": f"s{number}"} for number in range(before)]
    return [{"dependsOn": _ways(number, levels - 1)} for number in range(before)]


async def test_pace_stops_above_its_limit_and_after_its_time() -> None:
    loop = asyncio.get_running_loop()
    pace = ExecutionBudget(1_000, None, lambda: None)
    pace.spend(1_000)
    with pytest.raises(ExecutionStopped) as stopped:
        pace.spend(FIELDS_PER_CHECK)
    assert stopped.value.reason.extensions["code"] == "LIMIT_EXCEEDED"
    late = ExecutionBudget(10**9, loop.time() - 1, lambda: None)
    with pytest.raises(ExecutionStopped) as stopped:
        late.spend(1)
    assert stopped.value.reason.extensions == {"code": "SOURCE_UNAVAILABLE", "timeout": True}


async def test_lists_take_turns_in_order_and_others_come_between() -> None:
    pace, told = ExecutionBudget(10**9, None, lambda: None), list[str]()

    async def complete(name: str) -> None:
        for _ in range(3):
            pace.spend(FIELDS_PER_TURN)
            await pace.wait_for_turn()
            told.append(name)

    async def other() -> None:
        for _ in range(12):
            await asyncio.sleep(0)
            told.append("-")

    await asyncio.gather(complete("a"), complete("b"), other())
    # The first to come ends first, and after each item whose fields use up a turn the others have theirs.
    assert "".join(told).replace("-", "") == "aaabbb"
    assert "aa" not in "".join(told)
    assert "bb" not in "".join(told)
