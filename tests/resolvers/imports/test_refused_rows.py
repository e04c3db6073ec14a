"""Rows that the database can't hold, or that would stand above themselves: rejected alone, with the reason."""

from typing import Any

import pytest

from datasources.aurora.imports.cycles import find_cycles
from tests.fixtures.imports import Stores, small


async def items(stores: Stores, *rows: dict[str, Any], **over: Any) -> None:
    document = small(sections=small()["sections"][:1])
    document["files"]["items"] = {"inline": list(rows)}
    fields = {"key": "key", "keys": "keys", "class": {"constant": "server"}}
    document["sections"].append({"entity": "configuration_items", "file": "items", "fields": fields, **over})
    await stores.load(document)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"serial": "s" * 2_600}, "an identification key and its source have 2,606 bytes"),
        ({"serial": "漢" * 900}, "an identification key and its source have 2,706 bytes"),
        ({"漢" * 400: "漢" * 480}, "an identification key and its source have 2,640 bytes"),
        ({"": "s"}, "an identification key of b has no source; name one"),
    ],
)
async def test_a_key_that_no_index_holds_rejects_its_row(stores: Stores, keys: dict[str, str], reason: str) -> None:
    rows = [{"key": "a", "keys": {}}, {"key": "b", "keys": keys}, {"key": "c", "keys": {"serial": "s"}}]
    await items(stores, *rows)
    ((line, given),) = stores.reasons()
    assert (line, given[: len(reason)]) == (2, reason)
    assert stores.rows("SELECT name FROM configuration_items ORDER BY 1") == [("a",), ("c",)]


async def test_a_key_of_the_longest_that_is_allowed_goes_in(stores: Stores) -> None:
    # No two characters alike in a row, so that nothing is won by compressing.
    text = "".join(chr(0x4E00 + number * 37 % 20_000) for number in range(864))
    await items(stores, {"key": "a", "keys": {"serial12": text}})
    assert stores.reasons() == []
    assert stores.count("configuration_item_keys") == 2


async def test_a_batch_that_the_database_refuses_loses_the_refused_rows_only(stores: Stores) -> None:
    async with stores.main.connection() as connection:
        await connection.execute(b"ALTER TABLE changes ADD CONSTRAINT odd CHECK (title <> 'odd')")
        await connection.execute(b"CREATE INDEX narrow ON changes (description)")
    # Nothing in it repeats, so that compressing can't make it fit the index.
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(3_000))
    rows = [{"number": str(n), "title": "odd" if n == 3 else "even", "text": long if n == 6 else ""} for n in range(9)]
    document = small(sections=[])
    document["files"]["changes"] = {"inline": rows}
    fields = {"number": "number", "title": "title", "description": "text"}
    document["sections"] = [{"entity": "changes", "file": "changes", "fields": fields}]
    report = await stores.load(document)
    assert (report.total("created"), report.total("rejected")) == (7, 2)
    (line, reason), (second, limit) = stores.reasons()
    assert (line, reason) == (4, "the database refuses the row: it breaks odd")
    assert (second, limit.startswith("the database refuses the row: index row ")) == (7, True)
    assert stores.rejects[0]["row"] == {"number": "3", "title": "odd", "description": ""}
    assert stores.rows("SELECT number FROM changes ORDER BY 1") == [(str(n),) for n in (0, 1, 2, 4, 5, 7, 8)]


async def test_classes_in_a_ring_are_rejected_with_all_that_hangs_on_them(stores: Stores) -> None:
    classes = {"a": "b", "b": "c", "c": "a", "d": "a", "e": "d", "top": "", "under": "top"}
    document = small(sections=small()["sections"][:1])
    document["files"]["classes"] = {"inline": [{"key": key, "parent": parent} for key, parent in classes.items()]}
    document["sections"][0]["fields"]["parent"] = "parent"
    for created in (2, 0):
        report = await stores.load(document)
        assert report.total("created") == created
        assert stores.reasons() == [
            (1, "a is part of a cycle: a < b < c < a"),
            (2, "b is part of a cycle: a < b < c < a"),
            (3, "c is part of a cycle: a < b < c < a"),
            (4, "parent class a is not known; its row was rejected"),
            (5, "parent class d is not known; its row was rejected"),
        ]
    assert stores.rows("SELECT key FROM configuration_item_classes ORDER BY 1") == [("top",), ("under",)]
    document["files"]["classes"] = {"inline": [{"key": "top", "parent": "under"}]}
    await stores.load(document)
    assert stores.reasons() == [(1, "top is part of a cycle: top < under < top")]


async def test_steps_in_a_ring_are_rejected(stores: Stores) -> None:
    steps = [{"key": "one", "after": ["two"]}, {"key": "two", "after": ["one"]}, {"key": "three", "after": []}]
    document = {
        "source": "x",
        "files": {"flows": {"inline": [{"key": "flow"}]}, "steps": {"inline": steps}},
        "sections": [
            {"entity": "workflows", "file": "flows", "fields": {"key": "key"}},
            {
                "entity": "workflow_steps",
                "file": "steps",
                "fields": {
                    "workflow": {"constant": "flow"}, "key": "key", "depends_on": "after",
                    "position": {"constant": 1}, "kind": {"constant": "MANUAL"},
                },
            },
        ],
    }  # fmt: skip
    await stores.load(document)
    assert stores.reasons() == [
        (1, "one is part of a cycle: one < two < one"),
        (2, "two is part of a cycle: one < two < one"),
    ]


def test_rings_are_found_in_one_pass() -> None:
    chain = {str(number): [str(number + 1)] for number in range(50_000)}
    assert list(find_cycles(chain)) == []
    assert [len(ring) for ring in find_cycles(chain | {"50000": ["0"]})] == [50_001]
    assert list(find_cycles({"a": ["a"], "b": ["a", "gone"]})) == [["a"]]
