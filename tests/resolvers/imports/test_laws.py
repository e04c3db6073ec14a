"""Laws of the import: every record counted once, dry runs write nothing, order and batches don't matter."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.imports.staging_session import ImportStopped, StagingSession
from resolvers.imports.report import ImportReport
from tests.fixtures.imports import Stores, small
from tests.fixtures.profiles import examples

KEYS = st.sampled_from("abcdefgh")
ITEM_ROWS = st.lists(st.tuples(KEYS, st.sampled_from(["One", "Two"]), st.sampled_from(["", "7"])), max_size=8,
                     unique_by=lambda row: row[0])  # fmt: skip
LINK_ROWS = st.lists(st.tuples(KEYS, KEYS), max_size=12, unique=True)

STATE = """
SELECT k.source, k.key, c.name, c.class_key, c.attributes FROM configuration_items c
JOIN configuration_item_keys k ON k.configuration_item_id = c.id ORDER BY 1, 2
"""
EDGES = """
SELECT f.key, t.key, r.type_key, r.source, i.key FROM relationships r
JOIN configuration_item_keys f ON f.configuration_item_id = r.from_id
JOIN configuration_item_keys t ON t.configuration_item_id = r.to_id
JOIN configuration_item_keys i ON i.configuration_item_id = r.impact_from_id ORDER BY 1, 2
"""
PENDING = "SELECT fields ->> 'from', fields ->> 'to' FROM waiting_rows ORDER BY 1, 2"


def state(stores: Stores) -> list[Any]:
    return [stores.rows(query) for query in (STATE, EDGES, PENDING)]


def write(stores: Stores, items: list[tuple[str, str, str]], links: list[tuple[str, str]]) -> None:
    stores.write("items.csv", "key,name,rack\n" + "".join(f"{','.join(row)}\n" for row in items))
    stores.write("links.csv", "from,to\n" + "".join(f"{','.join(row)}\n" for row in links))


def counted_once(report: ImportReport) -> bool:
    fates = ("created", "changed", "left", "repeated", "pending", "rejected")
    return all(
        section.records + section.unreadable == sum(getattr(section, fate) for fate in fates)
        for section in report.sections
    )


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ITEM_ROWS, LINK_ROWS, st.integers(1, 5), st.randoms(use_true_random=False))
async def test_any_order_and_batches_twice_end_as_once(
    stores: Stores, items: list[tuple[str, str, str]], links: list[tuple[str, str]], batch: int, draw: random.Random
) -> None:
    tables = "configuration_items, configuration_item_keys, relationships, waiting_rows"
    histories = "configuration_item_history, relationship_history"

    async def clean() -> None:
        async with stores.main.connection() as connection:
            await connection.execute(f"TRUNCATE {tables}, {histories} CASCADE".encode())

    await clean()
    write(stores, items, links)
    assert counted_once(await stores.load(small()))
    once = state(stores)
    known = {key for key, _, _ in items}
    proper = {(one, two) for one, two in links if one != two}
    assert [(row[0], row[1]) for row in once[1]] == sorted(p for p in proper if {*p} <= known)
    assert once[2] == sorted(p for p in proper if not {*p} <= known)
    await clean()
    for _ in range(2):
        draw.shuffle(items)
        draw.shuffle(links)
        write(stores, items, links)
        mapping = small()
        # Relationships before their items: they wait, then settle.
        if draw.random() < 0.5:
            mapping["sections"].insert(2, mapping["sections"].pop(3))
        again = await stores.load(mapping, batch=batch)
        assert counted_once(again)
    assert state(stores) == once
    assert again.changes_nothing
    assert stores.count("configuration_item_history") == stores.count("relationship_history") == 0


async def test_a_dry_run_tells_the_truth_and_writes_nothing(stores: Stores) -> None:
    write(stores, [("a", "Alpha", "1"), ("b", "Beta", "")], [("a", "b"), ("a", "z"), ("b", "b")])
    dry = await stores.load(small(), dry_run=True)
    assert [stores.count(table) for table in ("configuration_items", "relationships", "waiting_rows")] == [0] * 3
    real = await stores.load(small())
    assert [(s.created, s.pending, s.rejected, s.examples) for s in dry.sections] == [
        (s.created, s.pending, s.rejected, s.examples) for s in real.sections
    ]
    assert (dry.dry_run, dry.pending, real.pending) == (True, 1, 1)
    assert dry.sections[2].examples == {"create": ["a", "b"]}
    assert dry.sections[3].examples == {
        "create": ["a depends_on b"],
        "pending": ["a depends_on z"],
        "rejected": ["line 4: a relationship of 'b' to itself"],
    }


async def test_changed_rows_keep_their_id_and_leave_history(stores: Stores) -> None:
    write(stores, [("a", "Alpha", "1"), ("b", "Beta", "2")], [("a", "b")])
    await stores.load(small())
    before = stores.rows("SELECT id FROM configuration_items ORDER BY id")
    write(stores, [("b", "Beta", ""), ("a", "Alpha", "1")], [("a", "b")])
    report = await stores.load(small())
    assert [(s.created, s.changed, s.left) for s in report.sections[2:]] == [(0, 1, 1), (0, 0, 1)]
    assert stores.rows("SELECT id FROM configuration_items ORDER BY id") == before
    assert stores.rows("SELECT name, attributes, version FROM configuration_items ORDER BY id") == [
        ("Alpha", {"rack": "1"}, 1),
        ("Beta", {}, 2),
    ]
    assert stores.rows("SELECT name, attributes, version FROM configuration_item_history") == [
        ("Beta", {"rack": "2"}, 1)
    ]


async def test_ids_stand_in_the_order_of_the_file(stores: Stores) -> None:
    keys = [f"k{number:04}" for number in range(3_000)]
    random.Random(3).shuffle(keys)
    write(stores, [(key, key, "") for key in keys], [])
    await stores.load(small(), batch=700)
    assert [row[0] for row in stores.rows("SELECT name FROM configuration_items ORDER BY id")] == keys


async def test_attributes_of_other_sources_are_kept(stores: Stores) -> None:
    write(stores, [("a", "Alpha", "1")], [])
    await stores.load(small())
    mapping = small()
    mapping["sections"][2]["attributes"] = {"owner": {"constant": "us"}}
    await stores.load(mapping)
    assert stores.rows("SELECT attributes FROM configuration_items") == [({"rack": "1", "owner": "us"},)]


async def test_a_second_import_at_the_same_time_is_refused(stores: Stores) -> None:
    write(stores, [], [])
    async with stores.main.connection() as connection:
        landing = StagingSession(connection)
        await landing.lock()
        with pytest.raises(ImportStopped, match="another import is under way"):
            await stores.load(small())
        await landing.unlock()
    assert (await stores.load(small())).total("created") == 2


async def test_what_was_written_is_told_after_the_last_commit(stores: Stores) -> None:
    from resolvers.imports.run import run_import

    told: list[frozenset[str]] = []

    async def after_write(tables: frozenset[str]) -> None:
        told.append(tables)
        assert stores.count("relationships") == 1

    write(stores, [("a", "Alpha", "1"), ("b", "Beta", "2")], [("a", "b")])
    await stores.load(small(), dry_run=True)
    path = stores.folder / "mapping.yaml"
    for _ in range(2):
        await run_import(path, stores.folder, stores.main, stores.requirements, after_write=after_write)
    assert told == [
        frozenset({"configuration_item_classes", "relationship_types", "configuration_items", "relationships"})
    ]
