"""Walks by GraphQL: neighbours, dependencies, dependents, impact, paths and degrees of a small known landscape.

shop ──▶ cart ──▶ redis-1        shop depends on cart, cart on two redis nodes of which it needs one,
          └────▶ redis-2 ──▶ switch ◀── redis-1; ledger and shop depend on each other.
"""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.context import Context
from schema.execution.execution import GraphQLRequest, execute_request
from tests.fixtures.databases import create_database, person

NAMES = ("shop", "cart", "redis-1", "redis-2", "switch", "ledger")
IDS = {name: f"00000000-0000-7000-8000-00000000000{number}" for number, name in enumerate(NAMES, 1)}
EDGES = (
    ("shop", "cart", None), ("cart", "redis-1", "spare"), ("cart", "redis-2", "spare"), ("redis-1", "switch", None),
    ("redis-2", "switch", None), ("shop", "ledger", None), ("ledger", "shop", None),
)  # fmt: skip
GROUP = "00000000-0000-7000-8000-0000000000f1"
ITEM = '{ configurationItem(key: { source: "test", key: "%s" }) { %s } }'


def gid(name: str) -> str:
    return f"ci_{IDS[name]}"


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    made = create_database(postgres, "walks")
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service')")
        connection.execute(
            "INSERT INTO relationship_types (key, label, inverse_label, impact) VALUES "
            "('depends_on', 'depends on', 'is used by', 'REVERSE'), ('talks_to', 'talks to', 'hears from', 'NONE')"
        )
        for name, id_ in IDS.items():
            connection.execute(
                "INSERT INTO configuration_items (id, name, class_key) VALUES (%s, %s, 'service')", (id_, name)
            )
            connection.execute("INSERT INTO configuration_item_keys VALUES ('test', %s, %s)", (name, id_))
        connection.execute(
            "INSERT INTO redundancy_groups (id, dependent_id, name, needed) VALUES (%s, %s, 'spare', 1)",
            (GROUP, IDS["cart"]),
        )
        for number, (source, target, group) in enumerate(EDGES):
            connection.execute(
                "INSERT INTO relationships (id, from_id, to_id, type_key, source, redundancy_group_id, impact_from_id, "
                "impact_to_id, valid_from) VALUES (%s, %s, %s, 'depends_on', 'test', %s, %s, %s, '2026-01-01T00:00Z')",
                (
                    f"00000000-0000-7000-8000-0000000001{number:02}", IDS[source], IDS[target],
                    GROUP if group else None, IDS[target], IDS[source],
                ),
            )  # fmt: skip
        connection.execute(
            "INSERT INTO relationships (id, from_id, to_id, type_key, source, valid_from) VALUES "
            "('00000000-0000-7000-8000-000000000199', %s, %s, 'talks_to', 'test', '2026-01-01T00:00Z')",
            (IDS["shop"], IDS["cart"]),
        )
        # Until May the ledger was nobody's; the row of then stands in the history.
        connection.execute(
            "INSERT INTO relationship_history SELECT '00000000-0000-7000-8000-0000000001aa', from_id, to_id, type_key, "
            "'old', attributes, NULL, impact_from_id, impact_to_id, 1, '2025-01-01T00:00Z', '2025-06-01T00:00Z' "
            "FROM relationships WHERE from_id = %s AND to_id = %s",
            (IDS["redis-1"], IDS["switch"]),
        )
    return made


class Asker:
    """Asks documents of the landscape, everything permitted but restricted rows, or what is given."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources

    async def body(self, document: str, *permissions: str) -> dict[str, Any]:
        principal = person(*permissions) if permissions else person("*")
        context = Context(principal, principal.scope, self.sources, RequestContext())
        return (await execute_request(GraphQLRequest(document), context, DocumentLimits())).body

    async def data(self, document: str) -> Any:
        body = await self.body(document)
        assert "errors" not in body
        return body["data"]

    async def item(self, name: str, selection: str) -> Any:
        return (await self.data(ITEM % (name, selection)))["configurationItem"]


@pytest_asyncio.fixture(loop_scope="session")
async def ask(url: str) -> AsyncIterator[Asker]:
    main = Database("main", url)
    sources = Sources(main, Database("requirements", url), RecursiveGraph(main), NoCache())
    yield Asker(sources)
    await sources.close()


def reached(connection: Any) -> list[tuple[int, str]]:
    return [(edge["depth"], edge["node"]["name"]) for edge in connection["edges"]]


async def test_neighbours_both_ways_with_their_relationships(ask: Asker) -> None:
    found = await ask.item(
        "shop",
        "neighbours { totalCount edges { outgoing typeKey type { label inverseLabel } node { name } "
        "relationship { source from { name } to { name } } } }",
    )
    edges = found["neighbours"]["edges"]
    assert [(e["node"]["name"], e["outgoing"], e["typeKey"]) for e in edges] == [
        ("cart", True, "depends_on"), ("cart", True, "talks_to"), ("ledger", True, "depends_on"),
        ("ledger", False, "depends_on"),
    ]  # fmt: skip
    assert edges[0]["type"] == {"label": "depends on", "inverseLabel": "is used by"}
    assert edges[3]["relationship"] == {"source": "test", "from": {"name": "ledger"}, "to": {"name": "shop"}}
    assert found["neighbours"]["totalCount"] == 4


async def test_neighbours_by_page_direction_and_type(ask: Asker) -> None:
    select = "totalCount pageInfo { hasNextPage endCursor } nodes { name }"
    first = (await ask.item("shop", f"neighbours(first: 3) {{ {select} }}"))["neighbours"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (4, True)
    rest = await ask.item("shop", f'neighbours(first: 3, after: "{first["pageInfo"]["endCursor"]}") {{ {select} }}')
    assert [n["name"] for n in first["nodes"] + rest["neighbours"]["nodes"]] == ["cart", "cart", "ledger", "ledger"]
    assert rest["neighbours"]["pageInfo"]["hasNextPage"] is False
    incoming = await ask.item("shop", 'neighbours(direction: IN, types: ["depends_on"]) { nodes { name } }')
    assert incoming["neighbours"]["nodes"] == [{"name": "ledger"}]


async def test_dependencies_and_dependents_by_depth(ask: Asker) -> None:
    select = "edges { depth node { name } } truncated"
    down = (await ask.item("shop", f"dependencies(depth: 3) {{ {select} }}"))["dependencies"]
    assert reached(down) == [(1, "cart"), (1, "ledger"), (2, "redis-1"), (2, "redis-2"), (3, "switch")]
    assert down["truncated"] is False
    up = (await ask.item("switch", f"dependents(depth: 64) {{ {select} }}"))["dependents"]
    assert reached(up) == [(1, "redis-1"), (1, "redis-2"), (2, "cart"), (3, "shop"), (4, "ledger")]


async def test_pages_of_a_reach_make_the_whole(ask: Asker) -> None:
    found: list[tuple[int, str]] = []
    after = "null"
    for _ in range(5):
        page = (
            await ask.item(
                "switch",
                f"dependents(depth: 9, first: 1, after: {after}) "
                "{ truncated pageInfo { hasNextPage endCursor } edges { depth node { name } } }",
            )
        )["dependents"]
        found += reached(page)
        after = f'"{page["pageInfo"]["endCursor"]}"'
        assert page["truncated"] is page["pageInfo"]["hasNextPage"] is (len(found) < 5)
    assert found == [(1, "redis-1"), (1, "redis-2"), (2, "cart"), (3, "shop"), (4, "ledger")]


async def test_a_capped_item_tells_its_exact_degree(ask: Asker) -> None:
    found = (
        await ask.item(
            "switch", "dependents(fanOut: 1) { truncated capped { node { name } degree shown depth } nodes { name } }"
        )
    )["dependents"]
    assert found == {
        "truncated": True,
        "capped": [{"node": {"name": "switch"}, "degree": 2, "shown": 1, "depth": 0}],
        "nodes": [{"name": "redis-1"}],
    }


async def test_a_walk_of_another_time_sees_what_held_then(ask: Asker) -> None:
    async def at(moment: str) -> list[tuple[int, str]]:
        return reached(
            (await ask.item("switch", f'dependents(asOf: "{moment}") {{ edges {{ depth node {{ name }} }} }}'))[
                "dependents"
            ]
        )

    assert await at("2025-03-01T00:00:00Z") == [(1, "redis-1")]
    assert await at("2025-08-01T00:00:00Z") == []
    assert await at("2026-02-01T00:00:00Z") == [(1, "redis-1"), (1, "redis-2")]


async def test_impact_counts_redundancy(ask: Asker) -> None:
    select = "impact { totals { failing atRisk byDepth { depth count } } edges { depth outcome node { name } } }"
    one = (await ask.item("redis-1", select))["impact"]
    assert one["totals"] == {
        "failing": 0, "atRisk": 3,
        "byDepth": [{"depth": 1, "count": 1}, {"depth": 2, "count": 1}, {"depth": 3, "count": 1}],
    }  # fmt: skip
    both = await ask.data(
        f'{{ impact(of: ["{gid("redis-1")}", "{gid("redis-2")}"]) '
        "{ totals { failing atRisk } edges { outcome node { name } } } }"
    )
    assert both["impact"]["totals"] == {"failing": 3, "atRisk": 0}
    assert [edge["node"]["name"] for edge in both["impact"]["edges"]] == ["cart", "shop", "ledger"]
    switch = (await ask.item("switch", select))["impact"]
    assert (switch["totals"]["failing"], switch["totals"]["atRisk"]) == (5, 0)


async def test_impact_by_page_keeps_the_totals_of_the_whole(ask: Asker) -> None:
    select = "totals { failing } truncated pageInfo { endCursor hasNextPage } edges { node { name } }"
    first = (await ask.item("switch", f"impact(first: 3) {{ {select} }}"))["impact"]
    assert (first["totals"]["failing"], first["truncated"]) == (5, True)
    after = first["pageInfo"]["endCursor"]
    second = (await ask.item("switch", f'impact(first: 3, after: "{after}") {{ {select} }}'))["impact"]
    assert (second["totals"]["failing"], second["pageInfo"]["hasNextPage"]) == (5, False)
    assert [e["node"]["name"] for e in second["edges"]] == ["shop", "ledger"]


async def test_all_shortest_paths(ask: Asker) -> None:
    found = await ask.data(
        f'{{ paths(from: "{gid("shop")}", to: "{gid("switch")}", direction: DEPENDENCIES) '
        "{ truncated paths { length nodes { name } hops { relationships { typeKey } } } } }"
    )
    assert found["paths"]["truncated"] is False
    assert [[node["name"] for node in path["nodes"]] for path in found["paths"]["paths"]] == [
        ["shop", "cart", "redis-1", "switch"],
        ["shop", "cart", "redis-2", "switch"],
    ]
    assert found["paths"]["paths"][0]["hops"][0] == {"relationships": [{"typeKey": "depends_on"}]}
    none = await ask.data(
        f'{{ paths(from: "{gid("shop")}", to: "{gid("switch")}") {{ truncated paths {{ length }} }} }}'
    )
    assert none == {"paths": {"truncated": False, "paths": []}}


async def test_degrees_by_type(ask: Asker) -> None:
    assert (await ask.item("shop", "degrees { typeKey outgoing incoming }"))["degrees"] == [
        {"typeKey": "depends_on", "outgoing": 2, "incoming": 1},
        {"typeKey": "talks_to", "outgoing": 1, "incoming": 0},
    ]


async def test_walks_of_many_items_are_one_traversal_each(ask: Asker) -> None:
    body = await ask.body(
        "{ configurationItems { nodes { dependents(depth: 3) { nodes { name } } neighbours { nodes { name } } } } }"
    )
    assert len(body["data"]["configurationItems"]["nodes"]) == 6
    assert body["extensions"]["stores"] | {"rows": 0} == {"sql": 2, "graph": 2, "cache": 0, "rows": 0}


@pytest.mark.parametrize(
    ("selection", "code"),
    [
        ("dependents(depth: 65) { truncated }", "LIMIT_EXCEEDED"),
        ("dependents(depth: 0) { truncated }", "BAD_USER_INPUT"),
        ("dependents(first: 501) { truncated }", "LIMIT_EXCEEDED"),
        ("dependents(first: 0) { truncated }", "BAD_USER_INPUT"),
        ("dependents(fanOut: 10001) { truncated }", "LIMIT_EXCEEDED"),
        ('dependents(after: "WzEsIngiXQ") { truncated }', "BAD_USER_INPUT"),
        ('dependents(asOf: "2026-01-01T00:00:00") { truncated }', "BAD_USER_INPUT"),
        ('neighbours(after: "x") { totalCount }', "BAD_USER_INPUT"),
    ],
)
async def test_what_is_out_of_bounds_is_refused_by_name(ask: Asker, selection: str, code: str) -> None:
    body = await ask.body(ITEM % ("shop", f"name {selection}"))
    assert body["data"]["configurationItem"]["name"] == "shop"
    assert [error["extensions"]["code"] for error in body["errors"]] == [code]


async def test_walks_take_a_permission_of_their_own(ask: Asker) -> None:
    body = await ask.body(
        ITEM % ("shop", "name dependents { truncated } impact { truncated }"), "configuration-items:read"
    )
    assert body["data"]["configurationItem"] == {"name": "shop", "dependents": None, "impact": None}
    assert [error["extensions"]["permission"] for error in body["errors"]] == ["relationships:read"] * 2
