"""Search: what is found, in which order, for whom, at what cost, and without which store."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from uuid_utils import uuid7

from datasources.aurora.search.search import HEADLINE_OPTIONS, _bound
from datasources.aurora.statements import statements
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import free_port
from datasources.records.search import SearchKind, SearchQuery
from datasources.sources import Sources
from resolvers.search.use_cases import PERMISSIONS
from schema.search.types import types_by_kind
from tests.fixtures.databases import ask, create_database, person, sources_of

SEARCH = """query ($text: String!, $kinds: [SearchKind!], $first: Int! = 10) {
  search(text: $text, kinds: $kinds, first: $first) {
    results { score kind title excerpt node { __typename id } } missing
  }
}"""

DATABASES = ("search_main", "search_requirements")


def _seed(connection: psycopg.Connection[Any]) -> None:
    def new() -> str:
        return str(uuid7())

    payments, security = new(), new()
    connection.execute(
        "INSERT INTO teams (id, key, name) VALUES (%s, 'payments', 'Payments'), (%s, 'security', 'Security')",
        (payments, security),
    )
    connection.execute("INSERT INTO users (id, key, name) VALUES (%s, 'mia', 'Mia Lindqvist')", (new(),))
    connection.execute("INSERT INTO configuration_item_classes VALUES ('service', NULL, 'Service', '')")
    for name, key in (("payment-gateway", "PG-1"), ("redis-sessions", "RS-1"), ("redis", "RS-10")):
        item = new()
        connection.execute(
            "INSERT INTO configuration_items (id, name, class_key) VALUES (%s, %s, 'service')", (item, name)
        )
        connection.execute("INSERT INTO configuration_item_keys VALUES ('cmdb', %s, %s)", (key, item))
    for number, title, description, team in (
        ("INC1", "Checkout fails", "The payment gateway answers 502 to every third call", None),
        ("INC2", "Ledger tampered with", "The checkout of a customer was changed", security),
        ("INC3", "Mails are late", "", None),
    ):
        connection.execute(
            "INSERT INTO incidents (id, number, title, description, restricted_team_id) VALUES (%s, %s, %s, %s, %s)",
            (new(), number, title, description, team),
        )
    connection.execute(
        "INSERT INTO changes (id, number, title) VALUES (%s, 'CHG1', 'Upgrade the ledger database')", (new(),)
    )
    connection.execute(
        "INSERT INTO documents (id, key, title, body) VALUES (%s, 'kb-1', 'Restarting the ledger', %s)",
        (new(), "First stop all writers. " * 40 + "Then promote the standby of the ledger and <b>watch</b> its lag."),
    )
    for revision, state in ((1, "RETIRED"), (2, "PUBLISHED"), (3, "DRAFT")):
        connection.execute(
            "INSERT INTO workflows (id, key, revision, name, state) VALUES (%s, 'failover', %s, %s, %s)",
            (new(), revision, f"Failover of a standby, revision {revision}", state),
        )


@pytest.fixture(scope="module")
async def sources(postgres: EmbeddedPostgres) -> AsyncIterator[Sources]:
    main = create_database(postgres, DATABASES[0])
    requirements = create_database(postgres, DATABASES[1], "requirements")
    with psycopg.connect(main) as connection:
        _seed(connection)
    with psycopg.connect(requirements) as connection:
        connection.execute(
            "INSERT INTO requirements (id, key, title) VALUES (%s, 'REQ-7', 'Checkout answers within a second')",
            (str(uuid7()),),
        )
    opened = sources_of(main, requirements)
    yield opened
    await opened.close()


async def titles(sources: Sources, text: str, *kinds: str, **options: Any) -> list[str]:
    answered = await ask(sources, SEARCH, text=text, kinds=list(kinds) or None, **options)
    assert answered.errors == []
    return [result["title"] for result in answered.data["search"]["results"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("INC1", ["Checkout fails"], id="number"),
        pytest.param("inc1", ["Checkout fails"], id="number in another case"),
        pytest.param("REQ-7", ["Checkout answers within a second"], id="key in the other database"),
        pytest.param("failover", ["Failover of a standby, revision 2"], id="published revision of a workflow"),
        pytest.param("RS-1", ["redis-sessions", "redis"], id="identification key before its extension"),
        pytest.param("redis", ["redis", "redis-sessions"], id="exact name first"),
        pytest.param("payment gat", ["payment-gateway", "Checkout fails", "Payments"], id="beginning of the last word"),
        pytest.param("paymnt gatway", ["payment-gateway"], id="letters left out"),
        pytest.param("lindqist", ["Mia Lindqvist"], id="a name misspelt"),
        pytest.param("restarts", ["Restarting the ledger"], id="another form of the word"),
        pytest.param("it's \\ :* & | ! <-> (", [], id="query syntax is text"),
        pytest.param("--- ???", [], id="no letter"),
        pytest.param("100% _ '' \"", [], id="wildcards are text"),
    ],
)
async def test_finds(sources: Sources, text: str, found: list[str]) -> None:
    assert await titles(sources, text) == found


async def test_ranks_all_kinds_on_one_scale(sources: Sources) -> None:
    answered = await ask(sources, SEARCH, text="ledger")
    results = answered.data["search"]["results"]
    assert [(each["kind"], each["title"]) for each in results] == [
        ("DOCUMENT", "Restarting the ledger"),
        ("CHANGE", "Upgrade the ledger database"),
    ]
    assert all(0.75 < each["score"] < 0.95 for each in results)
    exact = await ask(sources, SEARCH, text="payments")
    assert [(each["score"], each["kind"]) for each in exact.data["search"]["results"]] == [
        (1.0, "TEAM"),
        (pytest.approx(0.5057, abs=1e-4), "INCIDENT"),
    ]
    misspelt = await ask(sources, SEARCH, text="paymennts")
    assert [each["title"] for each in misspelt.data["search"]["results"]] == ["Payments", "payment-gateway"]
    assert all(each["score"] <= 0.5 for each in misspelt.data["search"]["results"])


async def test_excerpt_is_short_plain_text_around_the_match(sources: Sources) -> None:
    answered = await ask(sources, SEARCH, text="promote standby", kinds=["DOCUMENT"])
    (result,) = answered.data["search"]["results"]
    assert "promote the standby of the ledger" in result["excerpt"]
    assert len(result["excerpt"].split()) <= 30
    empty = await ask(sources, SEARCH, text="INC3", kinds=["INCIDENT"])
    assert [(each["title"], each["excerpt"]) for each in empty.data["search"]["results"]] == [("Mails are late", None)]


async def test_first_bounds_the_results(sources: Sources) -> None:
    assert await titles(sources, "redis", first=1) == ["redis"]
    for first, code in ((0, "BAD_USER_INPUT"), (51, "LIMIT_EXCEEDED")):
        assert (await ask(sources, SEARCH, text="redis", first=first)).codes == [code]


@pytest.mark.parametrize("text", ["", "   ", "x" * 201, "a\0b"])
async def test_refuses_texts_out_of_bounds_without_asking_a_store(sources: Sources, text: str) -> None:
    answered = await ask(sources, SEARCH, text=text)
    assert (answered.codes, answered.sql, answered.data) == (["BAD_USER_INPUT"], 0, {"search": None})


async def test_longest_text_is_searched(sources: Sources) -> None:
    assert await titles(sources, "x" * 200) == []


async def test_a_restricted_incident_shows_to_its_team_only(sources: Sources) -> None:
    by_number = {}
    for name, asker in (
        ("reader", person()),
        ("other team", person("search:read", "incidents:read", teams=["payments"])),
        ("its team", person("search:read", "incidents:read", teams=["security"])),
        ("sees all", person("search:read", "incidents:read", "incidents:read-restricted")),
    ):
        # By number, by word, by a word of its description, and by a misspelling.
        by_number[name] = [
            len((await ask(sources, SEARCH, asker, text=text, kinds=["INCIDENT"])).data["search"]["results"])
            for text in ("INC2", "tampered", "customer", "tamperred")
        ]
    assert by_number == {
        "reader": [0, 0, 0, 0], "other team": [0, 0, 0, 0], "its team": [1, 1, 1, 1], "sees all": [1, 1, 1, 1],
    }  # fmt: skip


async def test_kinds_without_permission_are_left_out_or_refused_when_named(sources: Sources) -> None:
    asker = person("search:read", "documents:read")
    silent = await ask(sources, SEARCH, asker, text="ledger")
    assert [each["kind"] for each in silent.data["search"]["results"]] == ["DOCUMENT"]
    # No requirement may be read, so their database is not asked; the second statement is the node's.
    assert silent.sql == 2
    named = await ask(sources, SEARCH, asker, text="ledger", kinds=["DOCUMENT", "CHANGE"])
    assert (named.codes, named.sql, named.data) == (["FORBIDDEN"], 0, {"search": None})
    assert named.errors[0]["extensions"]["permission"] == "changes:read"
    assert (await ask(sources, SEARCH, person("documents:read"), text="ledger")).codes == ["FORBIDDEN"]


async def test_costs_one_statement_a_database_and_one_for_each_kind_hydrated(sources: Sources) -> None:
    plain = "query ($text: String!) { search(text: $text) { results { title } } }"
    assert (await ask(sources, plain, text="redis")).sql == 2
    answered = await ask(sources, SEARCH, text="redis")
    assert answered.sql == 3
    assert [each["node"]["__typename"] for each in answered.data["search"]["results"]] == ["ConfigurationItem"] * 2
    two = '{ a: search(text: "redis") { results { node { id } } } b: search(text: "RS-1") { results { node { id } } } }'
    assert (await ask(sources, two)).sql == 5


def test_every_kind_has_a_type_that_takes_the_same_permission() -> None:
    assert {kind: type_.needs for kind, type_ in types_by_kind().items()} == {
        kind.value: permission for kind, permission in PERMISSIONS.items()
    }
    assert list(PERMISSIONS) == list(SearchKind)


async def test_a_lost_database_costs_only_its_own_hits(sources: Sources) -> None:
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    lost = sources_of("postgresql://unused", away)
    without_requirements = dataclasses.replace(sources, requirements=lost.requirements)
    answered = await ask(without_requirements, SEARCH, text="checkout")
    assert [each["title"] for each in answered.data["search"]["results"]] == ["Checkout fails"]
    assert (answered.data["search"]["missing"], answered.errors) == (["requirements"], [])
    other = sources_of(away, "postgresql://unused")
    without_main = dataclasses.replace(sources, main=other.main)
    answered = await ask(without_main, '{ search(text: "checkout") { results { title } missing } }')
    assert answered.data["search"] == {
        "results": [{"title": "Checkout answers within a second"}], "missing": ["main"],
    }  # fmt: skip
    await lost.close()
    await other.close()


BULK = """
INSERT INTO configuration_item_classes VALUES ('server', NULL, 'Server', '');
INSERT INTO configuration_items (id, name, class_key)
SELECT gen_random_uuid(), (ARRAY['orders', 'billing', 'ledger'])[1 + n %% 3] || '-database-' || n, 'server'
FROM generate_series(1, 50000) n;
INSERT INTO configuration_item_keys SELECT 'cmdb', name, id FROM configuration_items;
INSERT INTO incidents (id, number, title)
SELECT gen_random_uuid(), 'INC' || n, 'Failure of ' || (ARRAY['checkout', 'mail', 'printing'])[1 + n %% 3] || ' ' || n
FROM generate_series(1, 50000) n;
"""


def test_search_reads_no_large_table_from_end_to_end(postgres: EmbeddedPostgres) -> None:
    """Measured by the server's own count of scans, which sees into functions where EXPLAIN does not."""
    url = create_database(postgres, "search_bulk")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(BULK.replace("%%", "%"))
        connection.execute("ANALYZE")
        for text in (
            "INC777",
            "ledger-database-77",
            "ledger datab",
            "database",
            "failure",
            "datebase",
            "chekout",
            "qqq",
        ):
            bound = _bound(SearchQuery(text, tuple(SearchKind), 10)) | {
                "kinds": [kind.value for kind in SearchKind], "headline": HEADLINE_OPTIONS,
                "sees_restricted": False, "team_keys": ["security"],
            }  # fmt: skip
            with connection.transaction():
                found = connection.execute(statements("search/search")["search_main"].text.encode(), bound).fetchall()
                scanned = connection.execute(
                    "SELECT relname::text FROM pg_stat_xact_user_tables WHERE seq_scan > 0 AND relname = ANY(%s)",
                    (["configuration_items", "incidents", "configuration_item_keys"],),
                ).fetchall()
            assert (text, scanned) == (text, [])
            assert bool(found) is (text != "qqq")
        # The threshold held for the call alone.
        row = connection.execute("SELECT current_setting('pg_trgm.word_similarity_threshold')").fetchone()
        assert row == ("0.6",)
