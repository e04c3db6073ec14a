"""Generated queries are answered by plans as by graphql-core, and by nobody else's rights."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.config import DocumentLimits
from datasources.request import RequestContext
from datasources.sources import Sources, open_sources
from resolvers.context import Context, Limits
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution import execution
from schema.execution.execution import GraphQLRequest, execute_request
from schema.execution.plans.plans import Plans
from tests.fixtures.databases import READER, person
from tests.fixtures.demo import stores
from tests.fixtures.profiles import examples
from tests.fuzz.landscape import ASK, Landscape
from tests.schema.execution.plans.documents import GeneratedDocument, documents

# Each is compared for two callers, and a third time if `@skip` or `@include` has a variable.
DOCUMENTS = 1_250
# The share of answers to EVERYTHING that a plan gave, which are those without errors. Measured: 0.86.
PLAN_FLOOR = 0.65

EVERYTHING = Principal("all", "All", PrincipalKind.USER, frozenset({"*"}))
# Sees no restricted row, no change and no user.
RESTRICTED = person(*(READER | {"relationships:read"}) - {"changes:read", "users:read"})


class Comparison:
    """Runs documents both ways on one set of stores. `shared` are the plans of all callers."""

    def __init__(self, sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sources = sources
        self._monkeypatch = monkeypatch
        self._shared = Plans(max_fields=5_000)
        self.counts: Counter[str] = Counter()

    async def compare(self, generated: GeneratedDocument, *, restricted_first: bool) -> None:
        """Assert that both callers get the same both ways, and the restricted one the same from plans of its own.

        The plan is compiled for the first caller.
        """
        callers = (RESTRICTED, EVERYTHING) if restricted_first else (EVERYTHING, RESTRICTED)
        answers = [await self._compare(each, generated.text, generated.variables) for each in callers]
        answer = answers[callers.index(RESTRICTED)]
        if generated.flags:
            await self._compare(EVERYTHING, generated.text, generated.flipped())
        fresh, _ = await self._run(RESTRICTED, generated.text, generated.variables, Plans())
        assert fresh == answer

    async def _compare(self, principal: Principal, text: str, variables: dict[str, Any]) -> dict[str, Any]:
        planned, context = await self._run(principal, text, variables, self._shared)
        expected, _ = await self._run(principal, text, variables, None)
        assert planned == expected
        self.counts["comparisons"] += 1
        is_success = "errors" not in planned
        by_plan = is_success and not context.fallback
        # What graphql-core executed without an error, a plan should have executed.
        assert by_plan == is_success, context.fallback
        self.counts["a plan" if by_plan else context.fallback or "rejected"] += 1
        if principal is EVERYTHING:
            self.counts["unrestricted"] += 1
            self.counts["unrestricted by a plan"] += by_plan
        return planned

    async def _run(
        self, principal: Principal, text: str, variables: dict[str, Any], plans: Plans | None
    ) -> tuple[dict[str, Any], Context]:
        if plans is not None:
            self._monkeypatch.setattr(execution, "PLANS", plans)
        limits = Limits(plans=plans is not None)
        context = Context(principal, principal.scope, self._sources, RequestContext(), limits)
        body = (await execute_request(GraphQLRequest(text, variables), context, DocumentLimits())).body
        return _comparable(body), context


def _comparable(body: dict[str, Any]) -> dict[str, Any]:
    """A body without its request id. The order of errors, and what was loaded before them, may differ."""
    del body["extensions"]["requestId"]
    if "errors" in body:
        del body["extensions"]["stores"]
        for each in body["errors"]:
            each["extensions"].pop("requestId", None)
        body["errors"].sort(key=lambda each: (str(each.get("path")), each["message"]))
    return body


def test_plans_answer_as_graphql_core(demo: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    landscape = Landscape()
    with asyncio.Runner() as runner:

        async def open_landscape() -> Sources:
            sources = open_sources(*stores(*demo))
            context = Context(EVERYTHING, EVERYTHING.scope, sources, RequestContext())
            landscape.note((await execute_request(GraphQLRequest(ASK), context, DocumentLimits())).body["data"])
            return sources

        sources = runner.run(open_landscape())
        comparison = Comparison(sources, monkeypatch)

        @settings(max_examples=examples(DOCUMENTS), suppress_health_check=list(HealthCheck))
        @given(documents(landscape), st.booleans())
        def compare(generated: GeneratedDocument, restricted_first: bool) -> None:
            runner.run(comparison.compare(generated, restricted_first=restricted_first))

        try:
            compare()
        finally:
            runner.run(sources.close())
    counts = comparison.counts
    print("plans:", dict(counts))
    assert counts["unrestricted by a plan"] >= PLAN_FLOOR * counts["unrestricted"], counts
