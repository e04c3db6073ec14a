"""Failures of the real engine, in Neptune's words: nothing stays of a request that failed."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.strategies import ReadOnlyStrategy
from gremlin_python.process.traversal import Cardinality, Direction, T

from datasources.embedded.neptune_like import NeptuneLike
from tests.datasources.embedded.neptune_like.client import Client, g

# Passes that keep a transaction open long enough for another to meet it.
LONG_WORK = 800

Make = Callable[[str], Any]
FAILURES: dict[str, tuple[Make, str, str]] = {
    "a vertex that is there": (
        lambda n: g.add_v("Thing").property(T.id, n).add_v("Thing").property(T.id, n),
        "ConstraintViolationException",
        "Vertex with id already exists: {name}",
    ),
    "an edge to nowhere": (
        lambda n: g.add_v("Thing").property(T.id, n).merge_e({T.label: "x", Direction.OUT: n, Direction.IN: "none"}),
        "InternalFailureException",
        "Vertex id could not be resolved from mergeE: none",
    ),
    "a fail step": (
        lambda n: g.add_v("Thing").property(T.id, n).fail("no"),
        "FailureByQueryException",
        "no",
    ),
    "a wrong value": (
        lambda n: g.add_v("Thing").property(T.id, n).concat("x"),
        "InternalFailureException",
        "String concat() can only take string as argument, encountered class org.apache.tinkerpop.gremlin.tinkergraph"
        ".structure.TinkerVertex",
    ),
    "a strategy that forbids writing": (
        lambda n: g.with_strategies(ReadOnlyStrategy()).add_v("Thing").property(T.id, n),
        "ReadOnlyViolationException",
        "The request is rejected because it violates some read-only restriction, such as a designation of a replica as"
        " read-only.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILURES)
async def test_a_failed_request_has_neptunes_code_and_leaves_nothing(double: NeptuneLike, name: str, case: str) -> None:
    make, code, details = FAILURES[case]
    async with Client(double.url) as client:
        answer = await client.ask(make(name))
        assert (answer.status, answer.code, answer.details) == (500, code, details.format(name=name))
        assert (await client.ask(g.V(name).count())).data == [0]
        assert double.request_log.requests[0].outcome == code


async def test_a_query_that_takes_too_long_is_rolled_back(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as client:
        endless = g.add_v("Thing").property(T.id, name).repeat(__.identity()).until(__.has_label("none"))
        answer = await client.ask(endless, evaluationTimeout=200)
        assert answer.code == "TimeLimitExceededException"
        assert answer.details == "A timeout occurred within the script during evaluation."
        assert (await client.ask(g.V(name).count())).data == [0]


async def test_the_error_is_a_document_with_the_request_id(double: NeptuneLike) -> None:
    async with Client(double.url) as client:
        identity = await client.send(g.V(5))
        reply = json.loads(await client.frame())
        details = "Expected an id that is convertible to String but received class java.lang.Integer"
        assert reply["requestId"] == identity
        assert reply["status"]["code"] == 500
        assert json.loads(reply["status"]["message"]) == {
            "code": "UnsupportedOperationException",
            "detailedMessage": details,
            "message": details,
            "requestId": identity,
        }


async def test_an_unknown_step_is_named_as_neptune_names_it(double: NeptuneLike) -> None:
    # The step that gremlinpython 3.8 adds to each write and Neptune does not know.
    traversal = g.V("x")
    traversal.bytecode.add_step("discard")
    async with Client(double.url) as client:
        answer = await client.ask(traversal)
        assert answer.code == "InternalFailureException"
        assert answer.details == "Could not locate method: NeptuneGraphTraversal.discard()"


async def test_an_unknown_source_is_a_bad_request(double: NeptuneLike) -> None:
    async with Client(double.url) as client:
        answer = await client.ask(g.V("x"), aliases={"g": "other"})
        assert answer.code == "BadRequestException"


async def test_of_two_writers_to_one_vertex_one_is_in_conflict(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as one, Client(double.url) as other:
        await one.ask(g.add_v("Thing").property(T.id, name).property(Cardinality.single, "n", 0))
        # They overlap nearly always; once they did, what follows is sure.
        for _ in range(10):
            both = [
                client.ask(
                    g.V(name).property(Cardinality.single, "n", number)
                    .repeat(__.identity().barrier()).times(LONG_WORK).count()
                )
                for number, client in ((1, one), (2, other))
            ]  # fmt: skip
            answers = await asyncio.gather(*both)
            codes = [answer.code for answer in answers]
            if codes != [None, None]:
                break
        assert sorted(codes, key=str) == ["ConcurrentModificationException", None]
        winner = codes.index(None) + 1
        assert (await one.ask(g.V(name).values("n"))).data == [winner]
        [conflict] = [answer for answer in answers if answer.code]
        assert conflict.details == (
            "Failed to complete Insert operation for a Vertex due to conflicting concurrent operations. Please retry."
            " 0 transactions are currently rolling back."
        )


async def test_a_cluster_bounds_the_time_of_a_query(double: NeptuneLike, name: str) -> None:
    double.rules = replace(double.rules, query_timeout=100)
    async with Client(double.url) as client:
        answer = await client.ask(g.inject(1).repeat(__.identity()).until(__.is_(2)))
        assert answer.code == "TimeLimitExceededException"


async def test_a_long_result_comes_in_parts(double: NeptuneLike) -> None:
    async with Client(double.url) as client:
        answer = await client.ask(g.inject(*range(1000)))
        assert answer.data == list(range(1000))
        assert answer.frames > 1
        assert double.request_log.outcomes == {"200": 1}


async def test_a_property_is_a_set_unless_single_is_said(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as client:
        await client.ask(g.add_v("Thing").property(T.id, name).property("tag", "x"))
        await client.ask(g.V(name).property("tag", "y").property("tag", "x"))
        assert sorted((await client.ask(g.V(name).values("tag"))).data) == ["x", "y"]
        await client.ask(g.V(name).property(Cardinality.single, "tag", "z"))
        assert (await client.ask(g.V(name).values("tag"))).data == ["z"]


async def test_a_vertex_and_an_edge_may_have_one_id(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as client:
        await client.ask(g.add_v("Thing").property(T.id, name).as_("a").add_e("loop").to("a").property(T.id, name))
        assert (await client.ask(g.V(name).count())).data == [1]
        assert (await client.ask(g.E(name).count())).data == [1]
