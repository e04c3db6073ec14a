"""An execution that is stopped leaves no coroutine behind that nobody awaits."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator

import pytest

from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext
from resolvers.context import Context, Limits
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.execution import GraphQLRequest, execute_request
from tests.fixtures.operations import Operations, opened

ANYONE = Principal("anyone", "Anyone", PrincipalKind.USER, frozenset({"*"}))
ITEMS = (
    "nodes { name owner { key members { user { key memberships { team { key } } } } } incidents { totalCount nodes { "
    "number team { key } configurationItems { nodes { name owner { key } } } activities { body } } } changes { nodes { "
    "number assignee { key teams: memberships { team { key } } } } } }"
)
DOCUMENTS = [
    "{ configurationItems { " + ITEMS + " } }",
    "{ a: configurationItems { " + ITEMS + " } b: configurationItems { " + ITEMS + " } viewer { name } }",
    "{ configurationItems { edges { node { incidents { edges { node { team { key } } } } } } } }",
    "{ teams { nodes { members { user { memberships { team { members { user { key } } } } } } } } }",
    "{ __schema { types { name fields { name type { name fields { name args { name } } } } } } }",
]


@pytest.fixture(scope="module")
async def operations(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "stopped") as made:
        # Hundreds of collections follow: without what all test modules hold, each takes a millisecond, not a second.
        gc.freeze()
        yield made
        gc.unfreeze()


async def left_by(
    operations: Operations, document: str, *, fields: int = 10**9, seconds: float | None = None
) -> list[str]:
    """What Python warns of once the answer is there and all that it made is gone; without a code if it was whole."""
    now = asyncio.get_running_loop().time()
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call = RequestContext(deadline=None if seconds is None else now + seconds)
        context = Context(ANYONE, ANYONE.scope, operations.sources, call, Limits(fields=fields))
        response = await execute_request(GraphQLRequest(document), context, DocumentLimits(cost=10**9))
        codes = {each["extensions"]["code"] for each in response.body.get("errors", [])}
        del context, response
        for _ in range(5):
            await asyncio.sleep(0.01)
            gc.collect()
    return [*sorted(codes), *(str(each.message) for each in told)]


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_at_the_limit_of_fields(operations: Operations, document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A look at every field, so that each place is one where it may stop.
    monkeypatch.setattr("schema.execution.budget.FIELDS_PER_CHECK", 1)
    for fields in (0, 1, 3, 7, 12, 20, 33, 50, 80, 120, 200, 300):
        assert (await left_by(operations, document, fields=fields)) in ([], ["LIMIT_EXCEEDED"]), fields


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_at_the_deadline(operations: Operations, document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.execution.budget.FIELDS_PER_CHECK", 1)
    monkeypatch.setattr("schema.execution.executor.GRACE_SECONDS", 0.0)
    monkeypatch.setattr("schema.execution.execution.GRACE_SECONDS", 0.0)
    for seconds in (-1.0, 0.0, 0.001, 0.003, 0.005, 0.01, 0.02):
        assert (await left_by(operations, document, seconds=seconds)) in ([], ["SOURCE_UNAVAILABLE"]), seconds
