"""One item a row and one row an item: rows that share a key are found, and the same file twice says the same."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.imports.identity import resolve_repeats
from tests.fixtures.imports import Stores, small
from tests.fixtures.profiles import examples
from tests.oracles.identity import Key, accepted

KEYS = st.sampled_from("abcd")
SERIALS = st.sampled_from(["", "s", "t", "u"])
OTHERS = st.sampled_from(["", "a", "b", "c", "d"])
ROWS = st.lists(st.tuples(KEYS, SERIALS, OTHERS), max_size=5)

ITEMS = """
SELECT array_agg(source || ' ' || key ORDER BY source, key) FROM configuration_item_keys
GROUP BY configuration_item_id ORDER BY 1
"""


def mapping(rows: list[tuple[str, str, str]], **over: Any) -> dict[str, Any]:
    """Rows of own key, serial, and another key of the same source."""
    document = small(sections=small()["sections"][:1])
    document["files"]["items"] = {
        "inline": [{"key": key, "keys": {"serial": serial, "cmdb": other}, "at": at} for at, (key, serial, other) in
                   enumerate(rows)]
    }  # fmt: skip
    fields = {"key": "key", "keys": "keys", "class": {"constant": "server"}}
    document["sections"].append({"entity": "configuration_items", "file": "items", "fields": fields, **over})
    return document


def keys(row: tuple[str, str, str]) -> set[Key]:
    own, serial, other = row
    named = {("cmdb", own), ("serial", serial), ("cmdb", other)}
    return {(source, key) for source, key in named if key}


async def clean(stores: Stores) -> None:
    async with stores.main.connection() as connection:
        await connection.execute(b"TRUNCATE configuration_items, configuration_item_history CASCADE")


async def load(stores: Stores, rows: list[tuple[str, str, str]], **over: Any) -> tuple[list[list[str]], list[int]]:
    """The keys of each item afterwards, and the places of the rejected rows."""
    await stores.load(mapping(rows, **over))
    return [row[0] for row in stores.rows(ITEMS)], [line - 1 for line, _ in stores.reasons()]


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, ROWS)
async def test_rows_that_share_keys_end_as_row_by_row(
    stores: Stores, before: list[tuple[str, str, str]], rows: list[tuple[str, str, str]]
) -> None:
    await clean(stores)
    items: list[set[Key]] = []
    for part in (before, rows):
        items, refused = accepted([keys(row) for row in part], items)
        told, rejected = await load(stores, part)
        assert told == sorted(sorted(f"{source} {key}" for source, key in item) for item in items)
        assert rejected == refused
    assert await load(stores, rows) == (told, rejected)
    assert stores.count("configuration_item_history") == 0 or before


async def test_two_new_rows_of_one_serial_name_both_lines(stores: Stores) -> None:
    for _ in range(2):
        assert await load(stores, [("a", "s", ""), ("b", "s", "")]) == ([["cmdb a", "serial s"]], [1])
        assert stores.reasons() == [(2, "b on line 2 shares the key s of serial with line 1; one item takes one row")]


async def test_where_one_row_wins_the_item_has_the_keys_of_both(stores: Stores) -> None:
    for _ in range(2):
        whole = [["cmdb a", "cmdb b", "cmdb c", "serial s", "serial t"]]
        rows = [("a", "s", ""), ("b", "s", ""), ("c", "t", "b")]
        assert await load(stores, rows, repeats="first") == (whole, [])
    assert (await stores.load(mapping(rows, repeats="first"))).changes_nothing


async def test_the_latest_row_wins_by_its_number_and_then_by_its_line(stores: Stores) -> None:
    rows = [("a", "", ""), ("a", "", ""), ("b", "", ""), ("b", "", "")]
    document = mapping(rows, repeats="latest", latest_by="at", attributes={"at": "at"})
    for row, at in zip(document["files"]["items"]["inline"], (10, 9, 7, 7), strict=True):
        row["at"] = at
        row["name"] = f"{row['key']}{at}"
    document["files"]["items"]["inline"][3]["name"] = "later line"
    document["sections"][1]["fields"]["name"] = "name"
    report = await stores.load(document)
    assert (report.sections[1].created, report.sections[1].repeated) == (2, 2)
    assert stores.rows("SELECT name, attributes FROM configuration_items ORDER BY 1") == [
        ("a10", {"at": 10}), ("later line", {"at": 7}),
    ]  # fmt: skip
    assert (await stores.load(document)).changes_nothing


async def test_the_latest_row_of_other_entities_wins_as_well(stores: Stores) -> None:
    teams = [{"key": "one", "name": "old", "at": "2026-01-01"}, {"key": "one", "name": "new", "at": "2026-02-01"},
             {"key": "one", "name": "none", "at": ""}]  # fmt: skip
    section = {"entity": "teams", "file": "teams", "fields": {"key": "key", "name": "name"}}
    document = {"source": "x", "files": {"teams": {"inline": teams}},
                "sections": [section | {"repeats": "latest", "latest_by": "at"}]}  # fmt: skip
    report = await stores.load(document)
    assert (report.total("created"), report.total("repeated")) == (1, 2)
    assert stores.rows("SELECT name FROM teams") == [("new",)]


def test_a_row_with_keys_of_two_winners_is_rejected_where_one_wins() -> None:
    shares = [(1, 1, 1, ""), (2, 2, 2, ""), (3, 3, 1, "x"), (3, 3, 2, "y")]
    (lost,) = resolve_repeats(shares, "first")
    assert (lost.ordinal, lost.winner, lost.shared, lost.action) == (3, 2, "y", "reject")


def test_a_chain_of_shares_takes_one_look_at_each() -> None:
    chain = [(row, row, number, "") for row in range(1, 2_001) for number in (row, row + 1)]
    assert [lost.ordinal for lost in resolve_repeats(chain, "reject")] == list(range(2, 2_001, 2))
    assert {lost.winner for lost in resolve_repeats(chain, "first")} == {1}
