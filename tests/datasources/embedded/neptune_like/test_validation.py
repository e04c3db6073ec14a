"""Each rule of legality by a traversal that Neptune runs and one that it refuses."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.strategies import ReadOnlyStrategy, SubgraphStrategy
from gremlin_python.process.traversal import (
    Cardinality,
    CardinalityValue,
    Direction,
    Merge,
    P,
    T,
    TextP,
    TraversalStrategy,
)
from gremlin_python.statics import long

from datasources.embedded.neptune_like import NeptuneLike
from tests.datasources.embedded.neptune_like.client import Client, g

UNSUPPORTED = "UnsupportedOperationException"
Make = Callable[[str], Any]


class Homemade(TraversalStrategy):  # type: ignore[misc]
    """A strategy whose class no cluster has."""

    def __init__(self) -> None:
        TraversalStrategy.__init__(self, fqcn="org.example.HomemadeStrategy")


def add(name: str) -> Any:
    """A vertex with that id."""
    return g.add_v("Thing").property(T.id, name)


LEGAL: dict[str, Make] = {
    "a step that filters without a lambda": lambda n: g.V(n).filter_(__.out()),
    "options and hints": lambda n: (
        g.with_("evaluationTimeout", 5000).with_side_effect("Neptune#repeatMode", "DFS").V(n)
    ),
    "strategies of TinkerPop": lambda n: g.with_strategies(ReadOnlyStrategy()).V(n),
    "a subgraph": lambda n: g.with_strategies(SubgraphStrategy(vertices=__.has_label("Thing"))).V(n),
    "string ids": lambda n: g.V(n, "other").has_id(P.within([n, "x"])).has(T.id, n),
    "an id by its prefix": lambda n: g.V(n).has_id(TextP.starting_with("double")),
    "numbers as values": lambda n: add(n).property(Cardinality.single, "count", 1).property("ratio", 0.5),
    "two values of a set": lambda n: add(n).property("tag", "x").property(Cardinality.set_, "tag", "y"),
    "a merge with ids": lambda n: g.merge_v({T.id: n, T.label: "Thing"}).option(Merge.on_create, {"n": 1}),
    "a merge that replaces": lambda n: g.merge_v({T.id: n, T.label: "Thing"}).option(
        Merge.on_match, {"n": CardinalityValue.single(9)}
    ),
    "merges of a batch": lambda n: g.inject([{T.id: n, T.label: "Thing", "n": 1}]).unfold().merge_v(__.identity()),
    "an edge": lambda n: add(n).as_("a").add_e("to_itself").to("a").property("since", 1),
    "lists that are results": lambda n: g.V(n).project("all").by(__.out().id_().fold()),
    "two colons in a value": lambda n: add(n).property(Cardinality.single, "urn", "a::b"),
}

ILLEGAL: dict[str, Make] = {
    "lambda": lambda n: add(n).map(lambda: ("it.get()", "gremlin-groovy")),
    "lambda within": lambda n: add(n).local(__.filter_(lambda: ("true", "gremlin-groovy"))),
    "with computer": lambda n: g.with_computer().V(n),
    "page rank": lambda n: g.V(n).page_rank(),
    "shortest path": lambda n: g.V(n).shortest_path(),
    "call": lambda n: g.call("--list"),
    "io write": lambda n: g.io("graph.xml").write(),
    "a homemade strategy": lambda n: g.with_strategies(Homemade()).V(n),
    "list cardinality": lambda n: add(n).property(Cardinality.list_, "tag", "x"),
    "list cardinality in a merge": lambda n: g.merge_v({T.id: n}).option(
        Merge.on_create, {"tag": CardinalityValue.list_("x")}
    ),
    "a list as a value": lambda n: add(n).property(Cardinality.single, "tags", ["x", "y"]),
    "a map as a value": lambda n: add(n).property("tags", {"x": 1}),
    "a list in a map of properties": lambda n: add(n).property({"tags": ["x"]}),
    "a uuid as a value": lambda n: add(n).property("key", uuid.uuid4()),
    "a list in a merge": lambda n: g.merge_v({T.id: n}).option(Merge.on_create, {"tags": ["x"]}),
    "a list in a batch": lambda n: g.inject([{T.id: n, "tags": ["x"]}]).unfold().merge_v(__.identity()),
    "a property of a property": lambda n: add(n).property("tag", "x", "since", 1),
    "labels of a vertex": lambda n: g.add_v("A::B").property(T.id, n),
    "labels of an edge": lambda n: add(n).as_("a").add_e("A::B").to("a"),
    "labels in a merge": lambda n: g.merge_v({T.id: n, T.label: "A::B"}),
    "labels asked for": lambda n: add(n).has_label("A::B"),
    "labels asked for within": lambda n: add(n).has_label(P.within(["A", "A::B"])),
    "a label asked for by its key": lambda n: add(n).has(T.label, "A::B"),
}

IDS: dict[str, tuple[Make, str]] = {
    "in V": (lambda n: g.V(5), "Integer"),
    "in E": (lambda n: g.E("e", 5.5), "Double"),
    "in a V further on": (lambda n: add(n).V(1), "Integer"),
    "in hasId": (lambda n: add(n).has_id(7), "Integer"),
    "in hasId within": (lambda n: add(n).has_id(P.within(["a", 7])), "Integer"),
    "in has": (lambda n: add(n).has(T.id, 7), "Integer"),
    "in addV": (lambda n: g.add_v("Thing").property(T.id, 7), "Integer"),
    "in mergeV": (lambda n: g.merge_v({T.id: long(2**40)}), "Long"),
    "in mergeE": (lambda n: add(n).merge_e({T.label: "x", Direction.OUT: n, Direction.IN: 7}), "Integer"),
    "in a batch": (lambda n: g.inject([{T.id: 7}]).unfold().merge_v(__.identity()), "Integer"),
    "a uuid": (lambda n: add(n).V(uuid.uuid4()), "UUID"),
    "a truth value": (lambda n: add(n).V(True), "Boolean"),
}  # fmt: skip


@pytest.mark.parametrize("case", LEGAL)
async def test_a_legal_traversal_is_run(double: NeptuneLike, name: str, case: str) -> None:
    async with Client(double.url) as client:
        answer = await client.ask(LEGAL[case](name))
        assert (answer.code, answer.details) == (None, "")
        assert double.request_log.requests[0].outcome in {"200", "204"}


@pytest.mark.parametrize("case", ILLEGAL)
async def test_an_illegal_traversal_is_refused_and_not_run(double: NeptuneLike, name: str, case: str) -> None:
    async with Client(double.url) as client:
        answer = await client.ask(ILLEGAL[case](name))
        assert (answer.status, answer.code) == (500, UNSUPPORTED)
        assert (await client.ask(g.V(name).count())).data == [0]


@pytest.mark.parametrize("case", IDS)
async def test_an_id_must_be_a_string(double: NeptuneLike, name: str, case: str) -> None:
    make, java = IDS[case]
    async with Client(double.url) as client:
        answer = await client.ask(make(name))
        assert answer.code == UNSUPPORTED
        assert answer.details.startswith("Expected an id that is convertible to String but received class java.")
        assert answer.details.endswith(f".{java}")
        assert (await client.ask(g.V(name).count())).data == [0]


async def test_a_script_is_refused(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as client:
        script = f"g.addV('Thing').property(id, '{name}')"
        answer = await client.ask(script, op="eval", processor="", language="gremlin-groovy")
        assert answer.code == "MalformedQueryException"
        assert (await client.ask(g.V(name).count())).data == [0]


async def test_a_session_is_refused(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as client:
        answer = await client.ask(add(name), processor="session", session=str(uuid.uuid4()))
        assert answer.code == UNSUPPORTED
        assert (await client.ask(g.V(name).count())).data == [0]


async def test_another_op_is_a_bad_request(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as client:
        assert (await client.ask("g.V()", op="bytecode")).code == "BadRequestException"
        request = {"requestId": str(uuid.uuid4()), "op": "gather", "processor": "traversal", "args": {}}
        await client.socket.send_bytes(b"\x21application/vnd.gremlin-v3.0+json" + json.dumps(request).encode())
        assert (await client.answer()).code == "BadRequestException"


async def test_elements_come_without_properties(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as client:
        await client.ask(add(name).property("n", 1).as_("a").add_e("loop").to("a").property("since", 2))
        [vertex] = (await client.ask(g.V(name))).data
        [edge] = (await client.ask(g.V(name).out_e())).data
        [path] = (await client.ask(g.V(name).out_e().in_v().path())).data
        assert (vertex.id, vertex.label, vertex.properties or []) == (name, "Thing", [])
        assert (edge.label, edge.properties or []) == ("loop", [])
        assert [element.properties or [] for element in path.objects] == [[], [], []]
        [by_name] = (await client.ask(g.V(name), materializeProperties="all")).data
        assert (by_name.properties or []) == []
        assert (await client.ask(g.V(name).element_map())).data == [{T.id: name, T.label: "Thing", "n": 1}]
