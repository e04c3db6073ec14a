"""Prune and pending: only the named source loses rows, history is closed, and what waits becomes real."""

from typing import Any

import pytest

from datasources.files.errors import MappingError
from resolvers.imports.report import ImportReport
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
    assert report.prune_refused == "1 rows could not be identified, so a prune is unsafe; correct them first"
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


async def wide(stores: Stores, count: int = 8, **options: Any) -> ImportReport:
    """Items k0, k1 ... in a chain of relationships."""
    stores.write("items.csv", "key,name,rack\n" + "".join(f"k{n},K{n},{n}\n" for n in range(count)))
    stores.write("links.csv", "from,to\n" + "".join(f"k{n},k{n + 1}\n" for n in range(count - 1)))
    return await stores.load(small(), **options)


async def test_a_prune_is_refused_when_a_required_field_is_empty(stores: Stores) -> None:
    await wide(stores)
    mapping = small()
    mapping["sections"][2]["fields"]["key"] = {"column": "key", "match": "^(k[0-6])$"}
    report = await stores.load(mapping, prune="cmdb")
    assert report.prune_refused == "1 rows could not be identified, so a prune is unsafe; correct them first"
    stores.write("items.csv", "key,name,rack\nk0,,\n")
    mapping["sections"][2]["fields"]["key"] = {"template": "{key}{rack}"}
    report = await stores.load(mapping, prune="cmdb", force=True)
    assert (report.pruned, stores.count("configuration_items")) == (None, 8)


@pytest.mark.parametrize("row", ["k0,", ",k1", "k0", "k0,k1,k2"])
async def test_a_prune_is_refused_when_the_end_of_a_relationship_is_blank(stores: Stores, row: str) -> None:
    await wide(stores)
    stores.write("links.csv", f"from,to\nk1,k2\n{row}\n")
    report = await stores.load(small(), prune="cmdb", force=True)
    assert report.prune_refused == "1 rows could not be identified, so a prune is unsafe; correct them first"
    assert (report.pruned, stores.count("relationships"), stores.count("configuration_items")) == (None, 7, 8)


async def test_a_row_that_is_rejected_with_its_key_is_present(stores: Stores) -> None:
    await wide(stores)
    mapping = small()
    mapping["sections"][2]["fields"]["class"] = {"constant": "ghost"}
    report = await stores.load(mapping, prune="cmdb")
    assert report.total("rejected") == 8
    assert report.pruned is not None
    assert (report.pruned.deleted, report.pruned.retired, stores.count("configuration_items")) == (0, 0, 8)


async def test_rejected_rows_of_other_entities_do_not_hinder_a_prune(stores: Stores) -> None:
    await wide(stores)
    mapping = small()
    mapping["files"]["teams"] = {"inline": [{"key": ""}]}
    mapping["sections"].insert(0, {"entity": "teams", "file": "teams", "fields": {"key": "key"}})
    report = await stores.load(mapping, prune="cmdb")
    assert (report.total("rejected"), report.prune_refused) == (1, "")


async def test_a_mapping_of_one_half_says_nothing_of_the_other(stores: Stores) -> None:
    await wide(stores)
    sections = small()["sections"]
    for half in (sections[:3], [*sections[:2], sections[3]]):
        report = await stores.load(small(sections=half), prune="cmdb")
        assert report.pruned is not None
        assert (report.pruned.relationships, report.pruned.deleted, report.pruned.retired) == (0, 0, 0)
        assert report.changes_nothing


async def test_a_section_of_another_source_covers_nothing(stores: Stores) -> None:
    await wide(stores)
    stores.write("items.csv", "key,name,rack\n")
    mapping = small()
    mapping["sections"][2]["source"] = "scan"
    mapping["sections"][3]["fields"]["from_source"] = mapping["sections"][3]["fields"]["to_source"] = {
        "constant": "cmdb"
    }
    report = await stores.load(mapping, prune="cmdb")
    assert report.pruned is not None
    assert (report.pruned.deleted, stores.count("configuration_items")) == (0, 8)


async def test_items_that_relationships_of_the_run_name_stay(stores: Stores) -> None:
    await wide(stores)
    links = (stores.folder / "links.csv").read_text()
    await wide(stores, 7)
    stores.write("links.csv", links)
    report = await stores.load(small(), prune="cmdb")
    assert report.pruned is not None
    assert (report.pruned.deleted, report.pruned.retired, report.pruned.relationships) == (0, 0, 0)


@pytest.mark.parametrize(
    ("count", "refused"),
    [
        (7, ""),
        (5, "3 of 8 items of the source would go, more than 25%; check the files, or repeat with --force"),
        (0, "all 8 items of the source would go; check the files, or repeat with --force"),
    ],
)
async def test_a_share_of_the_source_goes_only_by_force(stores: Stores, count: int, refused: str) -> None:
    await wide(stores)
    dry = await wide(stores, count, prune="cmdb", dry_run=True)
    assert dry.pruned is not None
    assert dry.pruned.names["deleted"] == [f"k{n}" for n in range(count, 8)]
    assert dry.prune_refused == refused
    assert stores.count("configuration_items") == 8
    report = await wide(stores, count, prune="cmdb")
    assert report.prune_refused == refused
    assert stores.count("configuration_items") == (8 if refused else count)
    assert (report.absent or report.pruned) == dry.pruned
    await wide(stores, count, prune="cmdb", force=True)
    assert stores.count("configuration_items") == count


async def test_a_wider_share_may_be_allowed(stores: Stores) -> None:
    await wide(stores)
    report = await wide(stores, 5, prune="cmdb", prune_share=0.5)
    assert (report.prune_refused, stores.count("configuration_items")) == ("", 5)


async def retired(stores: Stores, mapping: dict[str, Any] | None = None) -> str:
    """The status of k7, which an incident is about, once a prune has retired it and the file holds it again."""
    await wide(stores)
    async with stores.main.connection() as connection:
        await connection.execute(
            b"INSERT INTO incidents (id, number, title) VALUES ('00000000-0000-7000-8000-000000000001', '1', 't');"
        )
        await connection.execute(
            b"INSERT INTO incident_configuration_items SELECT '00000000-0000-7000-8000-000000000001', id, 'AFFECTED'"
            b" FROM configuration_items WHERE name = 'K7'"
        )
        await connection.execute(b"UPDATE configuration_items SET status = 'MAINTENANCE' WHERE name = 'K7'")
    await wide(stores, 7, prune="cmdb")
    assert stores.rows("SELECT status FROM configuration_items WHERE name = 'K7'") == [("RETIRED",)]
    await wide(stores)
    return str(stores.rows("SELECT status FROM configuration_items WHERE name = 'K7'")[0][0])


async def test_an_item_that_comes_back_has_the_status_of_before(stores: Stores) -> None:
    assert await retired(stores) == "MAINTENANCE"
    assert stores.count("pruned_items") == 0
    assert (await wide(stores)).changes_nothing


async def test_an_item_that_a_person_retires_stays_retired(stores: Stores) -> None:
    await retired(stores)
    async with stores.main.connection() as connection:
        await connection.execute(b"UPDATE configuration_items SET status = 'RETIRED' WHERE name = 'K7'")
    assert (await wide(stores)).changes_nothing
    assert stores.rows("SELECT name FROM configuration_items WHERE status = 'RETIRED'") == [("K7",)]
