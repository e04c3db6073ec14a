"""Bad input: a clear error before anything is written, or a reject with file, line and reason."""

from typing import Any

import pytest

from datasources.files.errors import MappingError
from tests.fixtures.imports import Stores, small

ITEMS = "key,name,rack\na,Alpha,1\nb,Beta,2\nc,Gamma,3\n"
LINKS = "from,to\na,b\n"


async def loaded(stores: Stores, items: str | bytes = ITEMS, links: str | bytes = LINKS, **over: Any) -> None:
    stores.write("items.csv", items)
    stores.write("links.csv", links)
    await stores.load(small(**over))


async def test_a_wrong_column_is_told_before_anything_is_written(stores: Stores) -> None:
    mapping = small()
    mapping["sections"][3]["fields"]["to"] = "too"
    stores.write("items.csv", ITEMS)
    stores.write("links.csv", LINKS)
    with pytest.raises(MappingError) as error:
        await stores.load(mapping)
    assert str(error.value) == (
        "mapping.yaml: sections[3].to reads column 'too', which links.csv does not have; did you mean to?"
    )
    assert stores.count("configuration_item_classes") == 0


async def test_malformed_lines_are_rejected_and_the_rest_goes_in(stores: Stores) -> None:
    await loaded(stores, 'key,name,rack\na,"Al"pha,1\nb,Beta\nc,Gamma,3\n', "from,to\n")
    assert stores.reasons() == [
        (2, "malformed CSV on line 2: ',' expected after '\"'"),
        (3, "2 columns where the header has 3"),
    ]
    assert stores.rejects[1] == {
        "file": "items.csv",
        "line": 3,
        "entity": "configuration_items",
        "reason": "2 columns where the header has 3",
        "row": ["b", "Beta"],
    }
    assert stores.rows("SELECT name FROM configuration_items") == [("Gamma",)]


async def test_a_line_in_another_encoding_is_rejected(stores: Stores) -> None:
    await loaded(stores, ITEMS.encode() + "d,Délta,4\ne,Epsilon,5\n".encode("latin-1"))
    assert stores.reasons() == [(5, "line 5 is not utf-8: byte 0xe9 at place 3")]
    assert stores.rejects[0]["row"] == ["d", "D\\udce9lta", "4"]
    assert stores.count("configuration_items") == 4


async def test_a_file_with_its_encoding_named_is_read(stores: Stores) -> None:
    mapping = small()
    mapping["files"]["items"]["encoding"] = "latin-1"
    stores.write("items.csv", "key,name,rack\nd,Délta,4\n".encode("latin-1"))
    stores.write("links.csv", "from,to\n")
    await stores.load(mapping)
    assert stores.rows("SELECT name FROM configuration_items") == [("Délta",)]


async def test_a_key_twice_in_one_file_names_both_lines(stores: Stores) -> None:
    await loaded(stores, ITEMS + "a,Other,9\n", LINKS + "b,c\na,b\n")
    assert stores.reasons() == [
        (5, "a stands on line 2 and again on line 5"),
        (4, "a depends_on b stands on line 2 and again on line 4"),
    ]
    assert stores.rejects[0]["row"]["name"] == "Other"
    assert stores.rows("SELECT name FROM configuration_items ORDER BY id") == [("Alpha",), ("Beta",), ("Gamma",)]


async def test_a_key_twice_in_files_of_a_pattern_names_both_files(stores: Stores) -> None:
    mapping = small()
    mapping["files"]["items"] = {"path": "items-*.csv"}
    stores.write("items-1.csv", ITEMS)
    stores.write("items-2.csv", "name,key,rack\nOther,b,1\nDelta,d,1\n")
    stores.write("links.csv", "from,to\na,d\n")
    await stores.load(mapping)
    assert [(row["file"], row["line"], row["reason"]) for row in stores.rejects] == [
        ("items-2.csv", 2, "b stands on line 3 of items-1.csv and again on line 2 of items-2.csv")
    ]
    assert stores.rows("SELECT name FROM configuration_items ORDER BY name") == [
        ("Alpha",),
        ("Beta",),
        ("Delta",),
        ("Gamma",),
    ]


async def test_a_relationship_to_itself_is_rejected_and_a_cycle_is_legal(stores: Stores) -> None:
    await loaded(stores, links="from,to\na,a\na,b\nb,c\nc,a\n")
    assert stores.reasons() == [(2, "a relationship of 'a' to itself")]
    assert stores.count("relationships") == 3


async def test_two_keys_of_one_item_make_no_relationship_to_itself(stores: Stores) -> None:
    mapping = small()
    mapping["sections"][2]["fields"]["keys"] = {"column": "keys"}
    mapping["files"]["items"] = {"inline": [{"key": "a", "name": "Alpha", "rack": 1, "keys": {"other": "z"}}]}
    mapping["sections"][3]["fields"]["to_source"] = {"constant": "other"}
    stores.write("links.csv", "from,to\na,z\n")
    await stores.load(mapping)
    assert stores.reasons() == [(2, "a relationship of a to itself: z is another key of the same item")]


async def test_a_time_that_does_not_parse_names_column_and_value(stores: Stores) -> None:
    mapping = small(sections=[])
    mapping["files"]["incidents"] = {"path": "incidents.csv"}
    mapping["sections"] = [
        {"entity": "incidents", "file": "incidents", "fields": {"number": "number", "opened_at": "opened"}}
    ]
    long = "x" * 100
    stores.write("incidents.csv", f"number,opened\n1,2026-01-01T10:00:00Z\n2,yesterday\n3,{long}\n")
    await stores.load(mapping)
    assert stores.reasons() == [
        (3, "column opened: 'yesterday' is not a time of the form iso"),
        (4, f"column opened: '{'x' * 60}… (100 characters)' is not a time of the form iso"),
    ]
    assert stores.count("incidents") == 1


async def test_an_attribute_of_ten_megabytes_is_rejected_with_its_size(stores: Stores) -> None:
    await loaded(stores, ITEMS + f"d,Delta,{'r' * 10_485_760}\n")
    assert stores.reasons() == [
        (5, "attributes are 10,485,771 bytes, above the limit of 1,048,576; the largest is rack")
    ]
    assert stores.count("configuration_items") == 3


async def test_a_name_too_long_for_an_index_is_rejected(stores: Stores) -> None:
    await loaded(stores, ITEMS + f"d,{'n' * 3_000},4\n")
    assert stores.reasons() == [(5, "name is 3,000 characters, above the limit of 500")]


async def test_a_nul_character_is_rejected(stores: Stores) -> None:
    await loaded(stores, ITEMS + "d,De\x00lta,4\ne,Epsilon,\x00\n")
    assert stores.reasons() == [
        (5, "name has a NUL character; remove it"),
        (6, "attributes.rack has a NUL character; remove it"),
    ]
    assert stores.count("configuration_items") == 3


async def test_text_that_only_looks_like_a_nul_goes_in(stores: Stores) -> None:
    await loaded(stores, "key,name,rack\na,\\u0000,\\u0000\n", "from,to\n")
    assert stores.reasons() == []
    assert stores.rows("SELECT name, attributes FROM configuration_items") == [("\\u0000", {"rack": "\\u0000"})]


async def test_keys_that_are_no_object_are_rejected(stores: Stores) -> None:
    mapping = small()
    mapping["sections"][2]["fields"]["keys"] = "rack"
    stores.write("items.csv", "key,name,rack\na,Alpha,oops\nb,Beta,[1]\n")
    stores.write("links.csv", "from,to\n")
    await stores.load(mapping)
    assert stores.reasons() == [
        (2, "column rack: 'oops' is not JSON"),
        (3, "column rack: '[1]' is not an object of source and key"),
    ]


async def test_keys_of_two_items_in_one_row_are_rejected(stores: Stores) -> None:
    await loaded(stores)
    mapping = small()
    mapping["sections"][2]["fields"]["keys"] = "keys"
    mapping["files"]["items"] = {"inline": [{"key": "a", "name": "Alpha", "rack": "1", "keys": {"cmdb": "b"}}]}
    await stores.load(mapping)
    assert stores.reasons() == [(1, "the keys of a belong to 2 different items")]


async def test_the_impact_of_a_type_in_use_stays(stores: Stores) -> None:
    await loaded(stores)
    mapping = small()
    mapping["files"]["types"] = {"inline": [{"key": "depends_on", "impact": "FORWARD"}]}
    await stores.load(mapping)
    assert stores.reasons() == [(1, "the impact of depends_on is REVERSE and in use; give the new impact a new key")]


async def test_an_unknown_restricting_team_rejects_the_incident(stores: Stores) -> None:
    mapping = small(sections=[])
    mapping["files"]["incidents"] = {"inline": [{"number": "1", "team": "ghosts"}]}
    mapping["sections"] = [
        {"entity": "incidents", "file": "incidents", "fields": {"number": "number", "restricted_team": "team"}}
    ]
    await stores.load(mapping)
    assert stores.reasons() == [(1, "restricting team ghosts is not known")]
    assert stores.count("incidents") == 0


async def test_an_unknown_restricting_team_rejects_the_document(stores: Stores) -> None:
    mapping = small(sections=[])
    mapping["files"]["teams"] = {"inline": [{"key": "security"}]}
    mapping["files"]["documents"] = {"inline": [{"key": "1", "team": "ghosts"}, {"key": "2", "team": "security"}]}
    fields = {"key": "key", "team": "team", "restricted_team": "team"}
    mapping["sections"] = [
        {"entity": "teams", "file": "teams", "fields": {"key": "key"}},
        {"entity": "documents", "file": "documents", "fields": fields},
    ]
    await stores.load(mapping)
    assert stores.reasons() == [(1, "restricting team ghosts is not known")]
    query = "SELECT d.key, t.key, r.key FROM documents d JOIN teams t ON t.id = d.team_id"
    assert stores.rows(f"{query} JOIN teams r ON r.id = d.restricted_team_id") == [("2", "security", "security")]


async def test_a_value_outside_its_choices_or_bounds_is_rejected(stores: Stores) -> None:
    mapping = small(sections=[])
    mapping["files"]["changes"] = {
        "inline": [
            {"number": "1", "state": "Done", "start": None, "end": None},
            {"number": "2", "state": "COMPLETED", "start": "2026-01-02", "end": "2026-01-01"},
        ]
    }
    fields = {"number": "number", "state": "state", "planned_start": "start", "planned_end": "end"}
    mapping["sections"] = [{"entity": "changes", "file": "changes", "fields": fields}]
    await stores.load(mapping)
    assert stores.reasons() == [
        (
            1,
            "column state: 'Done' is none of PROPOSED, APPROVED, SCHEDULED, IN_PROGRESS, COMPLETED, FAILED,"
            " CANCELLED; add it to a map",
        ),
        (2, "planned_end 2026-01-01T00:00:00+00:00 is before planned_start 2026-01-02T00:00:00+00:00"),
    ]


async def test_rejects_can_be_read_by_their_owner_only(stores: Stores) -> None:
    await loaded(stores, links="from,to\na,a\n")
    assert (stores.folder / "rejects.jsonl").stat().st_mode & 0o777 == 0o600
