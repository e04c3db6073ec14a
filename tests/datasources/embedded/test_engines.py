"""What the engines do with ids, properties, failures and writers at once: what code for Neptune may trust here."""

import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from gremlin_python.driver.driver_remote_connection import DriverRemoteConnection
from gremlin_python.driver.protocol import GremlinServerError
from gremlin_python.driver.serializer import GraphBinarySerializersV1, GraphSONSerializersV3d0
from gremlin_python.process.anonymous_traversal import traversal
from gremlin_python.process.graph_traversal import GraphTraversalSource, __
from gremlin_python.process.traversal import Cardinality, T

from datasources.embedded.gremlin import EmbeddedGremlin

TINKER = ["gremlin_server", "transactional_server"]
SERIALIZERS = [GraphBinarySerializersV1, GraphSONSerializersV3d0]


@contextmanager
def source(server: EmbeddedGremlin, serializer: type = GraphSONSerializersV3d0) -> Iterator[GraphTraversalSource]:
    """A traversal source over a connection of its own."""
    connection = DriverRemoteConnection(server.url, "g", pool_size=1, message_serializer=serializer())
    try:
        yield traversal().with_remote(connection)
    finally:
        connection.close()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> EmbeddedGremlin:
    """The server whose fixture is named as the parameter, emptied."""
    started: EmbeddedGremlin = request.getfixturevalue(request.param)
    with source(started) as g:
        g.V().drop().iterate()
    return started


@pytest.mark.parametrize("serializer", SERIALIZERS, ids=["binary", "json"])
@pytest.mark.parametrize("server", TINKER, indirect=True)
def test_ids_are_strings_ours_and_theirs(server: EmbeddedGremlin, serializer: type) -> None:
    with source(server, serializer) as g:
        g.add_v("ci").property(T.id, "a").as_("a").add_e("on").from_("a").to("a").property(T.id, "e").iterate()
        assert g.V("a").out_e().id_().to_list() == ["e"]
        theirs = g.add_v("ci").property("n", 1).id_().next()
        assert uuid.UUID(theirs).version == 4
        with pytest.raises(GremlinServerError, match="Expected an id that is convertible to class"):
            g.add_v("ci").property(T.id, 7).iterate()


@pytest.mark.parametrize("server", TINKER, indirect=True)
def test_a_property_is_a_set_unless_it_is_told_to_be_single(server: EmbeddedGremlin) -> None:
    with source(server) as g:
        g.add_v("ci").property(T.id, "a").iterate()
        # Not with the addV: what stands there becomes a list, here as nowhere else.
        g.V("a").property("n", 1).property("n", 2).property("n", 2).iterate()
        assert sorted(g.V("a").values("n").to_list()) == [1, 2]
        g.V("a").property(Cardinality.single, "n", 3).iterate()
        assert g.V("a").values("n").to_list() == [3]


@pytest.mark.parametrize(("server", "left"), [(TINKER[0], 251), (TINKER[1], 0)], indirect=["server"])
def test_a_request_that_fails_leaves_nothing_behind_where_there_are_transactions(
    server: EmbeddedGremlin, left: int
) -> None:
    with source(server) as g:
        # More than one batch of the answer, so that a part of it is on its way when it fails.
        failing = __.add_e("to").to(__.V("nowhere"))
        with pytest.raises(GremlinServerError, match="addE"):
            g.inject(*range(300)).as_("i").add_v("ci").choose(__.select("i").is_(250), failing).id_().to_list()
        assert g.V().count().next() == left


def test_a_request_that_is_too_slow_leaves_nothing_behind(transactional_server: EmbeddedGremlin) -> None:
    with source(transactional_server) as g:
        g.V().drop().iterate()
        g.inject(*range(100)).add_v("ci").iterate()
        endless = g.with_("evaluationTimeout", 500).add_v("late")
        for _ in range(6):
            endless = endless.V()
        with pytest.raises(GremlinServerError, match="timeout"):
            endless.path().count().next()
        assert g.V().group_count().by(T.label).next() == {"ci": 100}


@pytest.mark.parametrize("server", TINKER, indirect=True)
def test_an_id_may_be_used_again_by_whoever_comes_after_a_reader(server: EmbeddedGremlin) -> None:
    with source(server) as g:
        for _ in range(3):
            g.add_v("ci").property(T.id, "a").as_("a").add_e("on").from_("a").to("a").property(T.id, "e").iterate()
            assert (g.V("a").count().next(), g.E("e").count().next()) == (1, 1)
            g.E("e").drop().iterate()
            g.V("a").drop().iterate()


def test_what_was_acknowledged_is_there_and_the_rest_is_a_conflict(transactional_server: EmbeddedGremlin) -> None:
    def write(writer: int) -> Counter[str]:
        told: Counter[str] = Counter()
        with source(transactional_server) as g:
            for number in range(100):
                try:
                    g.V("hub").property(Cardinality.set_, "seen", writer * 1_000 + number).iterate()
                    told["written"] += 1
                except GremlinServerError as error:
                    told[str(error)] += 1
        return told

    with source(transactional_server) as g:
        g.V().drop().iterate()
        g.add_v("ci").property(T.id, "hub").iterate()
        with ThreadPoolExecutor(4) as threads:
            told = sum(threads.map(write, range(4)), Counter[str]())
        assert told.total() == 400
        assert told.keys() <= {"written", "500: Conflict: element modified in another transaction"}
        assert g.V("hub").values("seen").dedup().count().next() == told["written"]


def test_writers_of_different_vertices_do_not_meet(transactional_server: EmbeddedGremlin) -> None:
    def write(writer: int) -> None:
        with source(transactional_server) as g:
            for number in range(50):
                g.add_v("ci").property(T.id, f"{writer}/{number}").property(Cardinality.single, "n", number).iterate()

    with source(transactional_server) as g:
        g.V().drop().iterate()
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(write, range(4)))
        assert g.V().values("n").sum_().next() == 4 * sum(range(50))


def test_janusgraph_takes_uuids_as_ids_of_vertices_and_none_of_edges(janusgraph_server: EmbeddedGremlin) -> None:
    with source(janusgraph_server) as g:
        first, second = str(uuid.uuid4()), str(uuid.uuid4())
        for each in (first, second):
            g.add_v("ci").property(T.id, each).iterate()
        g.V(first).as_("a").V(second).add_e("on").from_("a").property("eid", "e").iterate()
        assert g.V(first).out_e("on").project("e", "to").by("eid").by(__.in_v().id_()).to_list() == [
            {"e": "e", "to": second}
        ]
        with pytest.raises(GremlinServerError, match="does not support user supplied identifiers"):
            g.V(first).add_e("on").to(__.V(second)).property(T.id, "e").iterate()
