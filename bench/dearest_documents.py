"""Families of expensive documents, each as large as the default limits allow, and the rows that they need."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from graphql import get_introspection_query

from bench.landscape import Landscape, item_id, load
from datasources.config import DocumentLimits
from schema.declarations.ids import encode_id

LIMITS = DocumentLimits()
STEPS = 40
TEAMS = 12
# Almost the maximum size of an item's attributes, in bytes; and the number of items with such attributes.
LARGE_BYTES = 1_000_000
LARGE_ITEMS = 500


def families() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the name, text and variables of each document."""
    incidents = "id number title state openedAt updatedAt"
    rows = LIMITS.cost // LIMITS.page // 8 - 3
    yield "page of pages", _page(f"incidents(first: {rows}) {{ nodes {{ {incidents} }} }}"), {}
    yield "page of edges", _page(f"incidents(first: {rows // 2}) {{ edges {{ cursor node {{ {incidents} }} }} }}"), {}
    yield "page of objects", _page(f"incidents(first: {rows // 2}) {{ nodes {{ team {{ id }} id }} }}"), {}
    yield "one page of leaves", _page(" ".join(f"a{n}: name" for n in range(58)) + " attributes"), {}
    pages = LIMITS.aliases - 1
    yield "aliases of pages", _aliases("configurationItems(first: 500) { nodes { id name status } }", pages), {}
    yield "lists in lists: teams", f'{{ team(id: "{_team(0)}") {{ {_teams(2)} }} }}', {}
    yield "lists in lists: teams, deeper", f'{{ team(id: "{_team(0)}") {{ {_teams(3)} }} }}', {}
    for depth in (3, 4, 5, 7):
        inner = "dependsOn { " * depth + "key" + " }" * depth
        yield f"lists in lists: steps, {depth}", f'{{ workflow(key: "dag") {{ steps {{ {inner} }} }} }}', {}
    yield "introspection", get_introspection_query(), {}
    types = "types { name fields { name args { name type { name } } type { name ofType { name } } } }"
    yield "introspection in aliases", _aliases(f"__schema {{ {types} }}", 3), {}
    # The maximum depth of introspection: fields of fields' types.
    yield "introspection of fields", "{ __schema { types { fields { type { fields { name args { name } } } } } } }", {}
    yield "repeated fields", "{ " + "viewer { name } " * 100 + "}", {}
    yield "filter of conditions", FILTERED, {"f": {"or": [{"number": {"in": [f"X{n}"] * 90}} for n in range(190)]}}
    yield "filter of objects", FILTERED, {"f": {"or": [{}] * 599}}
    yield "filter in aliases", _filters(12), {"f": {"or": [{"number": {"eq": f"X{n}"}} for n in range(190)]}}
    yield "filter of too many objects", FILTERED, {"f": {"or": [{}] * 19_000}}
    yield "changes", '{ changesSince(cursor: "WzAsMF0", first: 500) { entries { id kind cursor node { id } } } }', {}
    yield "search in aliases", _aliases('search(text: "alarm", first: 50) { results { title node { id } } }'), {}
    yield "impact in aliases", _aliases(f'impact(of: ["{_item(0)}"], first: 500) {{ nodes {{ id name }} }}', 6), {}
    yield "dependents of a page", _page("dependents(depth: 4, first: 25) { edges { depth } }"), {}
    yield "large attributes, 1 row", _large(1), {}
    yield "large attributes, 8 rows", _large(8), {}
    yield "large attributes, 500 rows", _large(500), {}


FILTERED = "query ($f: IncidentFilter) { incidents(filter: $f) { totalCount } }"


def _page(inner: str) -> str:
    return f"{{ configurationItems(first: {LIMITS.page}) {{ nodes {{ {inner} }} }} }}"


def _aliases(field: str, count: int = LIMITS.aliases) -> str:
    return "{ " + " ".join(f"a{n}: {field}" for n in range(count)) + " }"


def _filters(count: int) -> str:
    return f"query ($f: IncidentFilter) {_aliases('incidents(filter: $f) { totalCount }', count)}"


def _teams(levels: int) -> str:
    inner = _teams(levels - 1) if levels > 1 else "key"
    return f"members {{ user {{ memberships {{ team {{ {inner} }} }} }} }}"


def _large(rows: int) -> str:
    arguments = f'first: {rows}, filter: {{ name: {{ startsWith: "large" }} }}'
    return f"{{ configurationItems({arguments}) {{ nodes {{ attributes }} }} }}"


def _team(number: int) -> str:
    return encode_id("team", _uuid("e", number))


def _item(number: int) -> str:
    return encode_id("ci", item_id(number))


def _uuid(kind: str, number: int) -> str:
    return f"00000000-0000-4000-8000-{kind}{number:011x}"


def fill(url: str, landscape: Landscape) -> None:
    """Load a landscape and dense data: teams of which every user is a member, steps that all depend on each other, and
    items with large attributes."""
    load(url, landscape)
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(TEAMS):
            connection.execute(
                "INSERT INTO teams (id, key, name) VALUES (%s, %s, %s)", [_uuid("e", number), f"t{number}", "Team"]
            )
            connection.execute(
                "INSERT INTO users (id, key, name, email, active) VALUES (%s, %s, %s, '', true)",
                [_uuid("f", number), f"u{number}", "User"],
            )
        connection.execute(
            "INSERT INTO team_memberships (team_id, user_id, role) SELECT t.id, u.id, 'MEMBER' FROM teams t, users u"
        )
        connection.execute("INSERT INTO workflows (id, key, name) VALUES (%s, 'dag', 'DAG')", [_uuid("b", 0)])
        for number in range(STEPS):
            connection.execute(
                "INSERT INTO workflow_steps (id, workflow_id, key, position, name, kind, depends_on) "
                "VALUES (%s, %s, %s, %s, 'Step', 'MANUAL', %s)",
                [_uuid("d", number), _uuid("b", 0), f"s{number}", number, [f"s{n}" for n in range(number)]],
            )
        large = json.dumps({f"key {n}": f"value {n:040}" for n in range(LARGE_BYTES // 70)})
        connection.execute(
            "INSERT INTO configuration_items (id, name, class_key, attributes) "
            "SELECT gen_random_uuid(), 'large-' || n, 'service', %s::jsonb FROM generate_series(1, %s) n",
            [large, LARGE_ITEMS],
        )
        connection.execute("VACUUM ANALYZE")
