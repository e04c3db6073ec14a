"""Rows that wait: whatever they carry is theirs once their item or their group is known."""

from typing import Any

import pytest

from tests.fixtures.databases import ask, person, sources_of
from tests.fixtures.imports import Stores, small

EDGES = """
SELECT f.key, t.key, r.attributes, g.name, g.needed FROM relationships r
JOIN configuration_item_keys f ON f.configuration_item_id = r.from_id
JOIN configuration_item_keys t ON t.configuration_item_id = r.to_id
LEFT JOIN redundancy_groups g ON g.id = r.redundancy_group_id ORDER BY 1, 2
"""


def mapping(*sections: str, **files: list[dict[str, Any]]) -> dict[str, Any]:
    """Sections in the order given, each of inline rows: items, groups, links, incidents, touched."""
    document = small()
    fields = {
        "items": ("configuration_items", {"key": "key", "class": {"constant": "server"}}),
        "groups": ("redundancy_groups", {"item": "item", "name": "name", "needed": "needed"}),
        "links": ("relationships", {"from": "from", "to": "to", "type": {"constant": "depends_on"}, "group": "group"}),
        "plain": ("relationships", {"from": "from", "to": "to", "type": {"constant": "depends_on"}}),
        "incidents": ("incidents", {"number": "number"}),
        "touched": ("incident_items", {"incident": "number", "item": "item", "role": {"constant": "AFFECTED"}}),
    }
    document["sections"] = document["sections"][:2]
    for name in sections:
        entity, given = fields[name]
        document["files"][name] = {"inline": files[name]}
        section = {"entity": entity, "file": name, "fields": given}
        if name == "links":
            section["attributes"] = {"port": "port"}
        document["sections"].append(section)
    return document


def items(*keys: str) -> list[dict[str, Any]]:
    return [{"key": key} for key in keys]


def links(*ends: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"from": one, "to": two, "group": "store", "port": "5432"} for one, two in ends]


GROUP = [{"item": "web", "name": "store", "needed": 1}]
WHOLE = [("web", "one", {"port": "5432"}, "store", 1), ("web", "two", {"port": "5432"}, "store", 1)]


async def test_a_relationship_that_waited_is_of_its_group(stores: Stores) -> None:
    both = links(("web", "one"), ("web", "two"))
    first = await stores.load(mapping("items", "groups", "links", items=items("web", "one"), groups=GROUP, links=both))
    assert (first.waiting, first.sections[-1].created, first.sections[-1].pending) == ({"relationships": 1}, 1, 1)
    second = await stores.load(mapping("items", items=items("two")))
    assert (second.settled, second.waiting) == (1, {})
    assert stores.rows(EDGES) == WHOLE
    again = await stores.load(
        mapping("items", "groups", "links", items=items("web", "one", "two"), groups=GROUP, links=both)
    )
    assert again.changes_nothing
    assert stores.count("waiting_rows") == 0


IMPACT = """query ($of: [ID!]!) { impact(of: $of) { totals { failing atRisk } edges { outcome node { name } } } }"""


@pytest.mark.parametrize("begun", [("one",), ()])
async def test_what_waited_counts_as_a_spare_once_it_is_there(stores: Stores, begun: tuple[str, ...]) -> None:
    """Of one and two, web needs one: whichever fails, web is at risk and does not fail."""
    both = links(("web", "one"), ("web", "two"))
    await stores.load(mapping("items", "groups", "links", items=items("web", *begun), groups=GROUP, links=both))
    await stores.load(mapping("items", items=items(*{"one", "two"} - set(begun))))
    sources = sources_of(stores.url, stores.requirements_url)
    try:
        for key in ("one", "two"):
            [(id,)] = stores.rows(f"SELECT configuration_item_id FROM configuration_item_keys WHERE key = '{key}'")
            assert (await ask(sources, IMPACT, person("*"), of=[f"ci_{id}"])).data["impact"] == {
                "totals": {"failing": 0, "atRisk": 1}, "edges": [{"outcome": "AT_RISK", "node": {"name": "web"}}],
            }  # fmt: skip
    finally:
        await sources.main.close()
        await sources.requirements.close()


async def test_sections_in_any_order_end_the_same(stores: Stores) -> None:
    both = links(("web", "one"), ("web", "two"))
    report = await stores.load(
        mapping("links", "groups", "items", links=both, groups=GROUP, items=items("web", "one", "two"))
    )
    assert [section.pending for section in report.sections[2:]] == [2, 1, 0]
    assert report.settled_by_entity == {"redundancy_groups": 1, "relationships": 2}
    assert stores.rows(EDGES) == WHOLE
    assert stores.count("waiting_rows") == 0


async def test_a_group_that_is_defined_later_takes_in_its_relationships(stores: Stores) -> None:
    both = links(("web", "one"), ("web", "two"))
    first = await stores.load(mapping("items", "links", items=items("web", "one", "two"), links=both))
    assert (first.sections[-1].created, first.sections[-1].unresolved, first.waiting) == (2, 2, {})
    assert stores.reasons()[0] == (
        1,
        "redundancy group store is not known; the relationship waits for it and goes in without",
    )
    assert [row[3] for row in stores.rows(EDGES)] == [None, None]
    # A mapping that says nothing of groups leaves them waiting.
    await stores.load(mapping("items", "plain", items=items("web"), plain=links(("web", "one"))))
    second = await stores.load(mapping("groups", groups=GROUP))
    assert second.settled_by_entity == {"relationships": 2}
    assert stores.rows(EDGES) == WHOLE
    assert stores.count("waiting_rows") == 0


async def test_a_row_that_waits_for_its_item_says_that_its_group_is_unknown(stores: Stores) -> None:
    report = await stores.load(mapping("items", "links", items=items("web"), links=links(("web", "one"))))
    assert (report.sections[-1].pending, report.sections[-1].unresolved) == (1, 1)
    assert stores.reasons() == [(1, "redundancy group store is not known; the relationship waits for it")]
    # Now the item comes, and still no group: the edge goes in, says so, and waits on.
    report = await stores.load(mapping("items", items=items("one")))
    assert report.settled_by_entity == {"relationships": 1}
    assert report.settled_examples == {
        "unresolved": [
            "relationships: redundancy group store is not known; the relationship waits for it and goes in without"
        ]
    }
    await stores.load(mapping("groups", groups=GROUP))
    assert stores.rows(EDGES) == WHOLE[:1]


async def test_links_of_incidents_wait_for_their_item(stores: Stores) -> None:
    touched = [{"number": "1", "item": "web"}, {"number": "1", "item": "one"}, {"number": "9", "item": "web"}]
    first = await stores.load(
        mapping("items", "incidents", "touched", items=items("web"), incidents=[{"number": "1"}], touched=touched)
    )
    assert stores.reasons() == [(3, "incident 9 is not known")]
    assert (first.sections[-1].created, first.sections[-1].pending, first.waiting) == (1, 1, {"incident_items": 1})
    second = await stores.load(mapping("items", items=items("one")))
    assert (second.settled_by_entity, second.waiting) == ({"incident_items": 1}, {})
    named = "SELECT k.key, l.role FROM incident_configuration_items l JOIN configuration_item_keys k USING"
    assert stores.rows(f"{named} (configuration_item_id) ORDER BY 1") == [("one", "AFFECTED"), ("web", "AFFECTED")]


async def test_a_link_that_waits_twice_in_one_file_is_rejected_once(stores: Stores) -> None:
    touched = [{"number": "1", "item": "web"}, {"number": "1", "item": "web"}]
    report = await stores.load(mapping("incidents", "touched", incidents=[{"number": "1"}], touched=touched))
    assert (report.sections[-1].pending, report.sections[-1].rejected) == (1, 1)
    assert stores.reasons() == [(2, "1 affected web stands on line 1 and again on line 2")]


async def test_two_waiting_names_of_one_item_make_no_relationship(stores: Stores) -> None:
    await stores.load(mapping("plain", plain=[{"from": "web", "to": "alias"}]))
    document = mapping("items", items=[{"key": "web", "keys": {"cmdb": "alias"}}])
    document["sections"][-1]["fields"]["keys"] = "keys"
    report = await stores.load(document)
    assert report.settled == 0
    assert stores.reasons() == [
        (0, "a relationship of web to itself: alias is another key of the same item"),
    ]
    assert stores.count("relationships") == stores.count("waiting_rows") == 0


async def test_keys_of_thousands_of_bytes_may_wait(stores: Stores) -> None:
    long = "漢" * 500
    report = await stores.load(mapping("plain", plain=[{"from": long, "to": f"{long[1:]}x"}]))
    assert report.waiting == {"relationships": 1}
