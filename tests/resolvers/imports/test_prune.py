"""Prune and pending: only the named source loses rows, history is closed, and what waits becomes real."""

import pytest

from datasources.files.mapping import MappingError
from tests.fixtures.imports import Stores, small

ITEMS = "key,name,rack\na,Alpha,1\nb,Beta,2\nc,Gamma,3\n"
LINKS = "from,to\na,b\nb,c\na,z\n"


async def begun(stores: Stores) -> None:
    """Two sources over the same items: cmdb (a, b, c) and scan (c, d)."""
    stores.write("items.csv", ITEMS)
    stores.write("links.csv", LINKS)
    await stores.load(small())
    stores.write("items.csv", "key,name,rack\nc,Gamma,3\nd,Delta,4\n")
    stores.write("links.csv", "from,to\nc,d\n")
    await stores.load(small(source="scan"))


async def test_prune_takes_the_named_source_only_and_closes_history(stores: Stores) -> None:
    await begun(stores)
    stores.write("items.csv", "key,name,rack\na,Alpha,1\nb,Beta,2\n")
    stores.write("links.csv", "from,to\na,b\n")
    report = await stores.load(small(), prune="cmdb")
    assert report.pruned is not None
    gone = report.pruned
    assert (gone.source, gone.relationships, gone.pending, gone.keys, gone.retired, gone.deleted) == (
        ("cmdb", 1, 1, 0, 0, 1)
    )  # fmt: skip
    assert stores.rows("SELECT source, key FROM configuration_item_keys ORDER BY 1, 2") == [
        ("cmdb", "a"), ("cmdb", "b"), ("scan", "c"), ("scan", "d"),
    ]  # fmt: skip
    assert stores.rows("SELECT source, count(*) FROM relationships GROUP BY 1 ORDER BY 1") == [("cmdb", 1), ("scan", 1)]
    closed = "SELECT count(*), count(valid_to) FROM "
    assert stores.rows(closed + "relationship_history") == [(1, 1)]
    assert stores.rows(closed + "configuration_item_history") == [(1, 1)]
    assert stores.count("waiting_rows") == 0


async def test_without_prune_nothing_is_deleted(stores: Stores) -> None:
    await begun(stores)
    stores.write("items.csv", "key,name,rack\n")
    stores.write("links.csv", "from,to\n")
    report = await stores.load(small())
    assert report.changes_nothing
    assert stores.count("configuration_items") == 5
    assert stores.count("relationships") == 3


async def test_an_item_with_records_is_retired_not_deleted(stores: Stores) -> None:
    await begun(stores)
    async with stores.main.connection() as connection:
        await connection.execute(
            b"INSERT INTO incidents (id, number, title) VALUES ('00000000-0000-7000-8000-000000000001', '1', 't')"
        )
        await connection.execute(
            b"INSERT INTO incident_configuration_items SELECT '00000000-0000-7000-8000-000000000001',"
            b" configuration_item_id, 'AFFECTED' FROM configuration_item_keys WHERE source = 'cmdb' AND key = 'c'"
        )
    stores.write("items.csv", "key,name,rack\na,Alpha,1\nb,Beta,2\n")
    stores.write("links.csv", "from,to\na,b\n")
    for retired in (1, 0):
        report = await stores.load(small(), prune="cmdb")
        assert report.pruned is not None
        assert (report.pruned.retired, report.pruned.deleted) == (retired, 0)
    assert stores.rows("SELECT name, status FROM configuration_items WHERE status = 'RETIRED'") == [
        ("Gamma", "RETIRED")
    ]


async def test_an_item_that_another_source_names_loses_only_its_key(stores: Stores) -> None:
    mapping = small()
    mapping["files"]["items"] = {"inline": [{"key": "a", "name": "Alpha", "rack": 1, "keys": {"scan": "x"}}]}
    mapping["sections"][2]["fields"]["keys"] = "keys"
    stores.write("links.csv", "from,to\n")
    await stores.load(mapping)
    stores.write("items.csv", "key,name,rack\n")
    report = await stores.load(small(), prune="cmdb", force=True)
    assert report.pruned is not None
    assert (report.pruned.keys, report.pruned.deleted, report.pruned.retired) == (1, 0, 0)
    assert stores.rows("SELECT source, key FROM configuration_item_keys") == [("scan", "x")]
    assert stores.count("configuration_items") == 1


async def test_prune_of_a_source_the_mapping_lacks_is_refused(stores: Stores) -> None:
    await begun(stores)
    with pytest.raises(MappingError, match="--prune elsewhere: the mapping has only cmdb"):
        await stores.load(small(), prune="elsewhere")


async def test_prune_is_refused_when_rows_could_not_be_read(stores: Stores) -> None:
    await begun(stores)
    stores.write("items.csv", "key,name,rack\na,Alpha\n")
    stores.write("links.csv", "from,to\n")
    report = await stores.load(small(), prune="cmdb")
    assert report.pruned is None
    assert report.prune_refused == "1 rows could not be identified and may not be gone; mend them first"
    assert stores.count("relationships") == 3


async def test_a_dry_prune_counts_and_deletes_nothing(stores: Stores) -> None:
    await begun(stores)
    stores.write("items.csv", "key,name,rack\n")
    stores.write("links.csv", "from,to\n")
    report = await stores.load(small(), prune="cmdb", dry_run=True)
    assert report.pruned is not None
    assert (report.pruned.relationships, report.pruned.deleted) == (2, 3)
    assert stores.count("configuration_items") == 5


async def test_a_pending_relationship_becomes_real_when_its_item_arrives(stores: Stores) -> None:
    await begun(stores)
    assert stores.rows("SELECT fields ->> 'from', fields ->> 'to' FROM waiting_rows") == [("a", "z")]
    stores.write("items.csv", "key,name,rack\nz,Zeta,9\n")
    stores.write("links.csv", "from,to\n")
    report = await stores.load(small())
    assert (report.settled, report.pending) == (1, 0)
    query = (
        "SELECT f.name, t.name, r.type_key, r.source, r.impact_from_id = t.id, r.impact_to_id = f.id"
        " FROM relationships r JOIN configuration_items f ON f.id = r.from_id"
        " JOIN configuration_items t ON t.id = r.to_id"
        " WHERE t.name = 'Zeta'"
    )
    assert stores.rows(query) == [("Alpha", "Zeta", "depends_on", "cmdb", True, True)]
    assert stores.count("waiting_rows") == 0


async def test_requirements_find_their_items_later(stores: Stores) -> None:
    mapping = small()
    mapping["files"]["requirements"] = {"inline": [{"key": "R1", "item": "a"}]}
    mapping["sections"] = [
        {"entity": "requirements", "file": "requirements", "fields": {"key": "key"}},
        {"entity": "requirement_items", "file": "requirements", "fields": {"requirement": "key", "item": "item"}},
    ]
    first = await stores.load(mapping)
    stores.write("items.csv", ITEMS)
    stores.write("links.csv", LINKS)
    second = await stores.load(small())
    assert (first.linked, second.linked) == (0, 1)
    item = stores.rows("SELECT configuration_item_id FROM configuration_item_keys WHERE key = 'a'")
    links = stores.rows("SELECT configuration_item_id FROM requirement_configuration_items", requirements=True)
    assert links == item
    stores.write("items.csv", "key,name,rack\n")
    stores.write("links.csv", "from,to\n")
    await stores.load(small(), prune="cmdb", force=True)
    links = stores.rows("SELECT configuration_item_id FROM requirement_configuration_items", requirements=True)
    assert links == [(None,)]
