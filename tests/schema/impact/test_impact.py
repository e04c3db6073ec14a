"""Impact by GraphQL: exact outcomes and totals whatever the caps, statuses and adapter; none where it is too large."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import resolvers.impact.complete_impact
from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.gremlin.adapter import GremlinGraph
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.port import Direction, Edge, Graph, Impact, Position, Walk
from datasources.graph.projection import Changes, EdgeChange
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from resolvers.context import Context
from resolvers.impact.use_cases import ImpactAnswer, ImpactLimit, Outcome, assess_impact
from tests.fixtures.databases import ask, create_database, person
from tests.fixtures.graph import MOMENT, edge, group_id, load, node
from tests.fixtures.profiles import examples
from tests.oracles.graph import Version
from tests.oracles.impact import Link, judge

NODES = 9
STATUSES = ("ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "MAINTENANCE", "PLANNED", "RETIRED")
# Groups 10 d and 10 d + 1 are those of dependent d.
GROUPS = [(10 * dependent + which, dependent) for dependent in range(1, NODES + 1) for which in (0, 1)]

Open = Callable[[Sequence[Version]], Awaitable[Sources]]


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    made = create_database(postgres, "impact")
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service')")
    return made


@pytest.fixture(scope="module")
async def tables(url: str) -> AsyncIterator[Database]:
    database = Database("main", url, pool_max=2)
    yield database
    await database.close()


@pytest.fixture(scope="module", params=["recursive", "gremlin"])
def opened(request: pytest.FixtureRequest, url: str, tables: Database) -> Open:
    """Put versions of edges into the tables and into the graph; the sources on both."""

    async def recursive(versions: Sequence[Version]) -> Sources:
        load(url, versions)
        return Sources(tables, tables, RecursiveGraph(tables), NoCache())

    if request.param == "recursive":
        return recursive
    client: GremlinClient = request.getfixturevalue("gremlin_client")

    async def gremlin(versions: Sequence[Version]) -> Sources:
        load(url, versions)
        projection = GremlinProjection(client)
        with use_request(RequestContext()):
            await projection.clear()
            await projection.apply(Changes(edges=tuple(map(EdgeChange, versions))))
        graph: Graph = GremlinGraph(client)
        return Sources(tables, tables, graph, NoCache())

    return gremlin


def items(url: str, statuses: Sequence[str], needed: Sequence[int]) -> None:
    """Items 1, 2, ... with these statuses, and their groups with what each needs."""
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE configuration_items, redundancy_groups, configuration_item_history CASCADE")
        cursor.executemany(
            "INSERT INTO configuration_items (id, name, class_key, status) VALUES (%s, %s, 'service', %s)",
            [(node(number), f"item {number}", status) for number, status in enumerate(statuses, 1)],
        )
        cursor.executemany(
            "INSERT INTO redundancy_groups (id, dependent_id, name, needed) VALUES (%s, %s, %s, %s)",
            [
                (group_id(group), node(dependent), str(group), count)
                for (group, dependent), count in zip(GROUPS, needed, strict=False)
                if dependent <= len(statuses)
            ],
        )


def need(number: int, dependent: int, needed: int, group: int | None = None) -> Version:
    """The dependent needs another item."""
    return Version(edge(number, dependent, needed, group=group), MOMENT)


async def asked(sources: Sources, walk: Walk, *failed: int, after: Position | None = None) -> ImpactAnswer:
    asker = person("*")
    context = Context(asker, asker.scope, sources, RequestContext())
    with use_request(context.request):
        return await assess_impact(context, frozenset(map(node, failed)), walk, after)


DEPENDENTS = Walk(Direction.DEPENDENTS, max_depth=10)


@st.composite
def landscapes(draw: st.DrawFn) -> list[Version]:
    """Few nodes and many edges: cycles, self-loops, parallel edges, two groups a dependent, two types."""
    found = []
    for number in range(draw(st.integers(0, 26))):
        effect, cause = draw(st.integers(1, NODES)), draw(st.integers(1, NODES))
        group = draw(st.sampled_from((None, 10 * effect, 10 * effect, 10 * effect + 1)))
        forward = draw(st.booleans())
        kind = "runs" if forward else "depends_on"
        ends = (cause, effect) if forward else (effect, cause)
        # As the tables have it: a loop is its own cause either way.
        flow = Impact.FORWARD if forward else Impact.REVERSE
        found.append(
            Version(edge(number, *ends, kind, draw(st.sampled_from((flow, flow, Impact.NONE))), group), MOMENT)
        )
    return found


def links(edges: Sequence[Edge]) -> list[Link]:
    flows = [each for each in edges if each.impact is not Impact.NONE]
    return [
        Link(*((e.from_id, e.to_id) if e.impact is Impact.FORWARD else (e.to_id, e.from_id)), e.group_id) for e in flows
    ]


@settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    versions=landscapes(),
    statuses=st.lists(st.sampled_from(STATUSES), min_size=NODES, max_size=NODES),
    needed=st.lists(st.integers(1, 3), min_size=len(GROUPS), max_size=len(GROUPS)),
    failed=st.sets(st.integers(1, NODES), min_size=1, max_size=3),
    walk=st.builds(
        Walk,
        st.just(Direction.DEPENDENTS),
        st.none() | st.just(("depends_on",)),
        max_depth=st.integers(1, 6),
        fan_out=st.integers(1, 3) | st.just(100),
        max_nodes=st.integers(1, 4) | st.just(100),
        as_of=st.none() | st.just(datetime.now(UTC) + timedelta(days=1)),
    ),
)
async def test_every_page_is_exact_whatever_the_caps(
    opened: Open,
    url: str,
    versions: list[Version],
    statuses: list[str],
    needed: list[int],
    failed: set[int],
    walk: Walk,
) -> None:
    items(url, statuses, needed)
    sources = await opened(versions)
    edges = [version.edge for version in versions]
    walked = [each for each in edges if walk.types is None or each.type in walk.types]
    truth = judge(
        links(walked),
        {group_id(group): count for (group, _), count in zip(GROUPS, needed, strict=True)},
        {node(number): status for number, status in enumerate(statuses, 1)},
        {node(number) for number in failed},
        walk.max_depth,
        links(edges),
    )
    found, place = [], None
    while True:
        page = await asked(sources, walk, *failed, after=place)
        found += [(item.depth, item.id, item.outcome is Outcome.FAILS) for item in page.items]
        assert (page.capped, page.limit, Outcome.UNKNOWN in {item.outcome for item in page.items}) == ((), None, False)
        assert page.totals is not None
        assert (page.totals.failing, page.totals.at_risk) == (
            sum(fails for _, _, fails in truth),
            sum(not fails for _, _, fails in truth),
        )
        assert sum(count for _, count in page.totals.by_depth) == len(truth)
        if page.cursor is None:
            break
        place = page.cursor
    assert found == truth


async def test_a_cap_of_fan_out_guesses_nothing(opened: Open, url: str) -> None:
    """A root carries many items, the two of which an application needs one among them, one beyond the cap."""
    items(url, ["ACTIVE"] * 6, [1] * len(GROUPS))
    sources = await opened(
        [need(1, 2, 1), need(2, 3, 2, 30), need(3, 3, 6, 30), need(4, 4, 1), need(5, 5, 1), need(6, 6, 1)]
    )
    for fan_out in (1, 2, 3, 4, 1_000):
        page = await asked(sources, Walk(Direction.DEPENDENTS, max_depth=10, fan_out=fan_out), 1)
        assert page.totals is not None
        assert (page.totals.failing, page.totals.at_risk, page.totals.by_depth) == (5, 0, ((1, 4), (2, 1)))
        assert {item.outcome for item in page.items} == {Outcome.FAILS}


async def test_a_member_that_fails_beyond_the_depth_is_no_spare(opened: Open, url: str) -> None:
    """2 needs 3 or 4; 3 needs 1 at once, 4 by way of 5, 6 and 7."""
    items(url, ["ACTIVE"] * 7, [1] * len(GROUPS))
    sources = await opened(
        [
            need(1, 2, 3, 20),
            need(2, 2, 4, 20),
            need(3, 3, 1),
            need(4, 4, 5),
            need(5, 5, 6),
            need(6, 6, 7),
            need(7, 7, 1),
        ]
    )
    page = await asked(sources, Walk(Direction.DEPENDENTS, max_depth=2), 1)
    assert [(item.id, item.outcome) for item in page.items] == [
        (node(3), Outcome.FAILS), (node(7), Outcome.FAILS), (node(2), Outcome.FAILS), (node(6), Outcome.FAILS),
    ]  # fmt: skip


async def test_no_failure_flows_through_what_is_out_of_service(opened: Open, url: str) -> None:
    for status, reached in (("RETIRED", []), ("PLANNED", []), ("MAINTENANCE", [node(2), node(3)])):
        items(url, ["ACTIVE", status, "ACTIVE"], [])
        sources = await opened([need(1, 2, 1), need(2, 3, 2)])
        assert [item.id for item in (await asked(sources, DEPENDENTS, 1)).items] == reached
        # Whoever names it takes it as failed.
        assert [item.id for item in (await asked(sources, DEPENDENTS, 2)).items] == [node(3)]


async def test_statuses_are_those_of_the_moment(opened: Open, url: str) -> None:
    items(url, ["ACTIVE"] * 3, [1] * len(GROUPS))
    sources = await opened([need(1, 3, 1, 30), need(2, 3, 2, 30)])
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE configuration_items SET valid_from = '2026-02-01T00:00Z'")
        connection.execute("UPDATE configuration_items SET status = 'RETIRED' WHERE id = %s", (node(2),))
        row = connection.execute("SELECT valid_from FROM configuration_items WHERE id = %s", (node(2),)).fetchone()
    assert row is not None
    for moment, outcome in (
        (None, Outcome.FAILS),
        (row[0], Outcome.FAILS),
        (row[0] - timedelta(microseconds=1), Outcome.AT_RISK),
    ):
        walk = Walk(Direction.DEPENDENTS, max_depth=10, as_of=moment)
        assert [item.outcome for item in (await asked(sources, walk, 1)).items] == [outcome]


async def test_what_is_too_large_is_unknown_and_has_no_totals(
    opened: Open, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items(url, ["ACTIVE"] * 5, [])
    sources = await opened([need(1, 2, 1), need(2, 3, 1), need(3, 4, 1), need(4, 5, 1), need(5, 5, 1), need(6, 5, 4)])
    walk = Walk(Direction.DEPENDENTS, max_depth=10, fan_out=2, max_nodes=2)
    for limit, bound in (("MAX_ITEMS", 5), ("MAX_EDGES", 6)):
        monkeypatch.setattr(resolvers.impact.complete_impact, limit, bound)
        page = await asked(sources, walk, 1)
        assert (page.limit, page.totals and page.totals.failing) == (None, 4)
        monkeypatch.setattr(resolvers.impact.complete_impact, limit, bound - 1)
        page = await asked(sources, walk, 1)
        assert (page.totals, page.limit) == (None, ImpactLimit.SIZE)
        assert {item.outcome for item in page.items} == {Outcome.UNKNOWN}
        assert [(each.id, each.degree, each.shown) for each in page.capped] == [(node(1), 5, 2)]
        monkeypatch.undo()


async def test_the_answer_says_why_it_knows_no_totals(
    url: str, tables: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    items(url, ["ACTIVE"] * 3, [])
    load(url, [need(1, 2, 1), need(2, 3, 1)])
    sources = Sources(tables, tables, RecursiveGraph(tables), NoCache())
    document = (
        f'{{ impact(of: ["ci_{node(1)}"], fanOut: 1) {{ limit totals {{ failing }} truncated edges {{ outcome }} '
        "capped { degree shown } } }"
    )
    assert (await ask(sources, document, person("*"))).data["impact"] == {
        "limit": None, "totals": {"failing": 2}, "truncated": False, "edges": [{"outcome": "FAILS"}] * 2, "capped": [],
    }  # fmt: skip
    monkeypatch.setattr(resolvers.impact.complete_impact, "MAX_ITEMS", 1)
    assert (await ask(sources, document, person("*"))).data["impact"] == {
        "limit": "SIZE", "totals": None, "truncated": True, "edges": [{"outcome": "UNKNOWN"}],
        "capped": [{"degree": 2, "shown": 1}],
    }  # fmt: skip
