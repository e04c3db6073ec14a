"""Plans: what they answer, why graphql-core executes the rest, and that nobody gets what is not theirs."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from graphql import NonNullTypeNode, OperationDefinitionNode, parse, print_ast

from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext
from resolvers.context import Context, Limits
from resolvers.principals.principal import Principal
from schema.execution.document_cache import GRAPHQL_SCHEMA
from schema.execution.execution import GraphQLRequest, execute_request
from schema.execution.executor import DeclaredExecutor
from schema.execution.plans.compiler import Compiler
from schema.execution.plans.irregular import Irregular
from schema.execution.plans.plans import Plans
from schema.operations import trusted_documents
from tests.fixtures.answers import READS, REDIS, SHOP, Library, open_library
from tests.fixtures.databases import person

NAMES = "{ configurationItems(first: 10) { nodes { name } } }"
OWNERS = "{ configurationItems(first: 10) { totalCount nodes { __typename name owner { key name } } } }"
READER = person(*READS)


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "plans") as opened:
        yield opened


async def execute(
    library: Library, document: str, principal: Principal = READER, *, plans: bool = True, **variables: Any
) -> tuple[dict[str, Any], Context]:
    """The body without its request id, and the context."""
    limits = Limits(plans=plans)
    context = Context(principal, principal.scope, library.sources, RequestContext(), limits)
    response = await execute_request(GraphQLRequest(document, variables), context, DocumentLimits())
    del response.body["extensions"]["requestId"]
    return response.body, context


async def fallback(library: Library, document: str, principal: Principal = READER, **variables: Any) -> str:
    """The reason for graphql-core, of an answer that is the same without plans."""
    body, context = await execute(library, document, principal, **variables)
    assert body == (await execute(library, document, principal, plans=False, **variables))[0]
    return context.fallback


async def test_a_plan_answers_with_as_many_statements(library: Library) -> None:
    body, context = await execute(library, OWNERS)
    assert context.fallback == ""
    # The page, the number of all, and the owners of the page.
    assert context.request.usage.sql == 3
    assert body["data"]["configurationItems"]["totalCount"] == 4
    assert body["data"]["configurationItems"]["nodes"][0] == {
        "__typename": "ConfigurationItem", "name": "rack", "owner": None,
    }  # fmt: skip
    assert list(body["data"]["configurationItems"]) == ["totalCount", "nodes"]


async def test_a_level_of_nulls_is_null(library: Library) -> None:
    """A type without records, such as a class, is compiled for every value but null."""
    document = f'{{ configurationItem(id: "ci_{REDIS}") {{ class {{ parent {{ __typename }} }} }} }}'
    body, context = await execute(library, document)
    assert body["data"] == {"configurationItem": {"class": {"parent": None}}}
    assert context.fallback == ""
    assert body == (await execute(library, document, plans=False))[0]


async def test_an_object_of_two_parents_is_counted_twice(library: Library) -> None:
    used = []
    for plans in (True, False):
        _, context = await execute(library, OWNERS, plans=plans)
        used.append(context.request.usage.cost)
    assert used[0] == used[1]


async def test_interfaces_aliases_fragments_and_directives(library: Library) -> None:
    document = """query ($ids: [ID!]!, $with: Boolean!) {
      nodes(ids: $ids) { __typename id ...Item ... on ConfigurationItem @include(if: $with) { status } } }
      fragment Item on ConfigurationItem { title: name again: name @skip(if: $with) owner { key } }"""
    ids = [f"ci_{REDIS}", f"ci_{SHOP}", f"ci_{REDIS}"]
    for flag in (True, False, True):
        variables: dict[str, Any] = {"ids": ids, "with": flag}
        assert await fallback(library, document, person(*READS, "nodes:read"), **variables) == ""


@pytest.mark.parametrize(
    "document",
    [
        "{ configurationItems(first: 10) { totalCount nodes { name @skip(if: true) } } }",
        "{ configurationItems(first: 10) { nodes { name owner { key @include(if: false) } } } }",
        "{ configurationItems(first: 10) @skip(if: true) { totalCount } }",
    ],
)
async def test_objects_without_fields_need_no_graphql_core(library: Library, document: str) -> None:
    assert await fallback(library, document) == ""


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{ incidents(first: 100000) { nodes { id } } }", "LimitExceeded"),
        ("{ changes { nodes { id } } }", "Forbidden"),
        (f'{{ configurationItem(id: "ci_{REDIS}") {{ name changes {{ totalCount }} }} }}', "Forbidden"),
    ],
)
async def test_graphql_core_executes_the_rest(library: Library, document: str, reason: str) -> None:
    assert await fallback(library, document) == reason


async def test_a_bad_variable_is_an_error_of_graphql_core(library: Library) -> None:
    document = "query ($first: Int!) { configurationItems(first: $first) { nodes { id } } }"
    body, _ = await execute(library, document, first="many")
    assert body == (await execute(library, document, plans=False, first="many"))[0]
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_callers_share_a_plan_and_no_answer(library: Library) -> None:
    document = "{ incidents(first: 10, orderBy: {field: OPENED_AT, direction: ASC}) { nodes { number title } } }"
    member, other = person(*READS, teams=["security"]), person(*READS)
    answers = await asyncio.gather(*(execute(library, document, each) for each in (member, other, member)))
    numbers = [[node["number"] for node in body["data"]["incidents"]["nodes"]] for body, _ in answers]
    assert numbers == [["INC1", "INC2", "INC3"], ["INC1", "INC2"], ["INC1", "INC2", "INC3"]]
    assert [context.fallback for _, context in answers] == ["", "", ""]
    assert await fallback(library, document, person("configuration-items:read", "documents:free-form")) == "Forbidden"


async def test_a_lost_store_is_an_error_of_graphql_core(library: Library) -> None:
    """Without the permission of the requirements' database the field is null, and the rest is there."""
    document = f'{{ configurationItem(id: "ci_{REDIS}") {{ name requirements {{ totalCount }} }} }}'
    assert await fallback(library, document) == "Forbidden"


def required_variables(text: str) -> dict[str, Any]:
    """A value for each variable without which the document cannot run."""
    values = {"ID": f"ci_{REDIS}", "String": "text", "Int": 1, "TraversalDirection": "OUT"}
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return {
        each.variable.name.value: values[print_ast(each.type).strip("[]!")]
        for each in operation.variable_definitions or ()
        if isinstance(each.type, NonNullTypeNode) and each.default_value is None
    }


async def test_trusted_queries_have_plans(library: Library) -> None:
    without = set()
    for each in trusted_documents().values():
        executor = DeclaredExecutor.build(
            GRAPHQL_SCHEMA,
            parse(each.text),
            context_value=library.context(),
            raw_variable_values=required_variables(each.text),
        )
        assert isinstance(executor, DeclaredExecutor), executor
        try:
            Compiler(executor).compile()
        except Irregular as irregular:
            without.add((each.name, irregular.reason))
    assert without == set()


async def test_limits_are_those_of_graphql_core(library: Library) -> None:
    document = "{" + " ".join(f"a{n}: configurationItems(first: 10) {{ nodes {{ id name }} }}" for n in range(40)) + "}"
    context = Context(READER, READER.scope, library.sources, RequestContext(), Limits(fields=5))
    response = await execute_request(GraphQLRequest(document), context, DocumentLimits())
    assert context.fallback == "limit"
    assert response.body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    "document",
    ["mutation { __typename }", "{ changes { nodes { id } } }", NAMES],
    ids=["no plan", "an error", "a plan"],
)
async def test_nothing_of_a_request_stays(library: Library, document: str) -> None:
    counts = []
    for _ in range(3):
        await execute(library, document)
        gc.collect()
        counts.append(sum(type(each) is Context for each in gc.get_objects()))
    assert counts[0] == counts[2]


async def test_plans_are_bounded_by_their_fields(library: Library) -> None:
    names = [f"v{number}" for number in range(6)]
    fields = " ".join(f"{name}: name @include(if: ${name})" for name in names)
    variables = ", ".join(f"${name}: Boolean!" for name in names)
    text = f"query ({variables}) {{ configurationItems(first: 1) {{ nodes {{ id {fields} }} }} }}"
    plans, document = Plans(max_fields=40), parse(text)
    for number in range(64):
        values = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        executor = DeclaredExecutor.build(
            GRAPHQL_SCHEMA, document, context_value=library.context(), raw_variable_values=values
        )
        assert isinstance(executor, DeclaredExecutor)
        data = await plans.execute(document, executor)
        assert data is not None
        assert len(data["configurationItems"]["nodes"][0]) == 1 + number.bit_count()
        assert 1 <= len(plans) <= 40 // 3


async def test_plans_end_with_their_document(library: Library) -> None:
    plans = Plans()
    for text in (NAMES, "{ __schema { queryType { name } } }"):
        document = parse(text)
        executor = DeclaredExecutor.build(GRAPHQL_SCHEMA, document, context_value=library.context())
        assert isinstance(executor, DeclaredExecutor)
        await plans.execute(document, executor)
        assert len(plans) == 1
        del document, executor
        gc.collect()
        assert len(plans) == 0


@pytest.mark.parametrize(
    "document",
    [
        "{ changesSince { hasMore } teams { nodes { key } } changes { nodes { id } } }",
        f'{{ configurationItem(id: "ci_{REDIS}") {{ neighbours {{ totalCount }} changes {{ totalCount }} }} }}',
    ],
)
async def test_what_was_done_is_not_done_again_after_an_error(library: Library, document: str) -> None:
    reader = person(*READS, "feed:read")
    assert await fallback(library, document, reader) == "Forbidden"


async def test_an_answer_is_not_written_twice_after_an_error(library: Library) -> None:
    """Neither is a language model asked twice."""
    document = '{ ask(question: "How do I promote a replica of Redis?") { text citations { number item { name } } } }'
    with psycopg.connect(library.urls[0], autocommit=True) as connection:
        before = connection.execute("SELECT count(*) FROM answers").fetchone()
        body, context = await execute(library, document, person("answers:ask", "documents:read", "documents:free-form"))
        after = connection.execute("SELECT count(*) FROM answers").fetchone()
    assert context.fallback == "Forbidden"
    assert body["data"]["ask"]["text"]
    assert (before, after) == ((0,), (1,))


async def test_plans_can_be_turned_off(library: Library) -> None:
    body, context = await execute(library, NAMES, plans=False)
    assert (context.fallback, len(body["data"]["configurationItems"]["nodes"])) == ("", 4)
