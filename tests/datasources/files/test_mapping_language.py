"""The mapping language: conditions, look-ups, row numbers, patterns of files, and what a mapping may not say."""

# Messages are compared whole.
# ruff: noqa: E501

from pathlib import Path
from typing import Any

import pytest

from datasources.files.errors import MappingError
from datasources.files.mappings import lookups
from tests.fixtures.sections import items, staged

TABLE: list[dict[str, Any]] = [
    {"key": "web-1", "os": "Linux", "cpus": 4, "seen": "2026-07-01T10:00:00Z", "tags": ["a"], "no": "x"},
    {"key": "web-2", "os": "Windows", "cpus": "16", "seen": "2026-08-01T10:00:00Z", "no": "y"},
    {"key": "db-1", "os": "", "cpus": None, "seen": None},
]


def selected(folder: Path, **section: Any) -> list[str]:
    found = staged(folder, items({"f": {"inline": TABLE}}, **section))
    assert found.refused == []
    return found.values("key")


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ({"os": "Linux"}, ["web-1"]),
        ({"os": ["Linux", "Windows"]}, ["web-1", "web-2"]),
        ({"os": {"equals": "Linux"}}, ["web-1"]),
        ({"os": {"not": "Linux"}}, ["web-2", "db-1"]),
        ({"os": {"in": ["Linux", "Windows"]}}, ["web-1", "web-2"]),
        ({"os": {"not_in": ["Linux", "Windows"]}}, ["db-1"]),
        ({"os": {"empty": True}}, ["db-1"]),
        ({"os": {"empty": False}}, ["web-1", "web-2"]),
        ({"key": {"matches": "^web-[0-9]$"}}, ["web-1", "web-2"]),
        ({"key": {"matches": "^(?!web)"}}, ["db-1"]),
        ({"os": {"contains": "ndow"}}, ["web-2"]),
        ({"key": {"starts_with": "web", "ends_with": "1"}}, ["web-1"]),
        ({"cpus": {"greater": 4}}, ["web-2"]),
        ({"cpus": {"at_least": 4, "less": 16}}, ["web-1"]),
        ({"cpus": {"at_most": "4.0"}}, ["web-1"]),
        ({"seen": {"after": "2026-07-01T10:00:00Z"}}, ["web-2"]),
        ({"seen": {"before": "2026-07-15"}}, ["web-1"]),
        ({"any": [{"os": "Linux"}, {"cpus": {"greater": 10}}]}, ["web-1", "web-2"]),
        ({"all": [{"os": "Linux"}, {"cpus": {"greater": 10}}]}, []),
        ({"any": [{"all": [{"os": "Linux"}, {"cpus": 4}]}, {"key": "db-1"}]}, ["web-1", "db-1"]),
        ({"tags.0": "a"}, ["web-1"]),
    ],
)
def test_conditions(tmp_path: Path, where: dict[str, Any], keys: list[str]) -> None:
    assert selected(tmp_path, where=where) == keys
    assert selected(tmp_path, unless=where) == (
        [row["key"] for row in TABLE if row["key"] not in keys] if len(where) == 1 else keys
    )


def test_what_a_condition_cannot_compare_is_refused_and_not_skipped(tmp_path: Path) -> None:
    rows = [{"key": "a", "n": "many"}, {"key": "b", "n": 2}]
    found = staged(tmp_path, items({"f": {"inline": rows}}, where={"n": {"greater": 1}}))
    assert found.refused == [("m.yaml (inline)", 1, "column n: 'many' is not a number")]
    assert (found.values("key"), found.skipped) == (["b"], 0)


OWNERS = "id,name\n7,shop\n8,data\n8,data\n"


def owned(folder: Path, owners: str = OWNERS, **lookup: Any) -> Any:
    (folder / "owners.csv").write_text(owners)
    rows = [{"key": "a", "owner": 7}, {"key": "b", "owner": "9"}, {"key": "c", "owner": None}]
    spec = {"column": "owner", "lookup": {"file": "owners", "key": "id", "value": "name"} | lookup}
    files = {"f": {"inline": rows}, "owners": {"path": "owners.csv"}}
    return staged(folder, items(files, fields={"owner": spec}))


def test_a_look_up_gives_the_name_of_a_foreign_key(tmp_path: Path) -> None:
    found = owned(tmp_path)
    assert [(record["key"], record["owner"]) for record in found.records] == [("a", "shop"), ("c", "")]
    assert found.refused == [("m.yaml (inline)", 2, "column owner: id '9' is not in owners.csv")]
    assert owned(tmp_path, otherwise="empty").values("owner") == ["shop", "", ""]


def test_a_look_up_of_a_list_and_its_steps_in_order(tmp_path: Path) -> None:
    people = [{"id": "1", "name": "Ann"}, {"id": "2", "name": "Bob"}]
    spec = {
        "column": "who",
        "split": ",",
        "lookup": {"file": "p", "key": "id", "value": "name"},
        "map": {"Ann": "ann"},
        "otherwise": "?",
        "case": "upper",
    }
    found = staged(
        tmp_path,
        items({"f": {"inline": [{"key": "a", "who": "1, 2"}]}, "p": {"inline": people}}, attributes={"who": spec}),
    )
    assert found.values("attributes") == ['{"who":["ANN","?"]}']


@pytest.mark.parametrize(
    ("owners", "message"),
    [
        (
            "id,name\n7,shop\n7,data\n",
            "lookup: owners.csv has id '7' on line 2 and again on line 3 with another name; make it one",
        ),
        ("id,title\n7,shop\n", "lookup.value reads column 'name', which owners.csv does not have; there are id, title"),
        ("id,name\n" + "".join(f"{n},x\n" for n in range(12)), "lookup: owners.csv is larger than 10 keys or"),
    ],
)
def test_look_ups_that_cannot_be_read(
    tmp_path: Path, owners: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "MAX_ROWS", 10)
    with pytest.raises(MappingError) as error:
        owned(tmp_path, owners)
    assert f"m.yaml: sections[0].fields.owner.{message}" in str(error.value)


def test_a_look_up_says_that_its_file_has_rows_that_cannot_be_read(tmp_path: Path) -> None:
    reason = owned(tmp_path, OWNERS + "9\n").refused[0][2]
    assert (
        reason
        == "column owner: id '9' is not in owners.csv; a row of it can't be read: 1 columns where the header has 2"
    )


def test_files_by_a_pattern_with_their_names_and_row_numbers(tmp_path: Path) -> None:
    (tmp_path / "exports" / "old").mkdir(parents=True)
    (tmp_path / "exports" / "b.csv").write_text("note,key\nB,b-1\n\nbroken\nB,b-2\n")
    (tmp_path / "exports" / "a.csv").write_text("key,note,more\na-1,A,x\n")
    (tmp_path / "exports" / "old" / "c.csv").write_text("key,note\nc-1,C\n")
    fields = {"name": {"file": True, "match": "([a-z]+)[.]csv$"}}
    attributes = {"row": {"row": True}, "at": {"row": True, "file": True}, "note": "note"}

    def read(pattern: str) -> Any:
        return staged(tmp_path, items({"f": {"path": pattern}}, fields=fields, attributes=attributes))

    found = read("exports/*.csv")
    assert [(record["key"], record["name"], record["attributes"]) for record in found.records] == [
        ("a-1", "a", '{"at":"exports/a.csv:1","note":"A","row":1}'),
        ("b-1", "b", '{"at":"exports/b.csv:1","note":"B","row":1}'),
        ("b-2", "b", '{"at":"exports/b.csv:3","note":"B","row":3}'),
    ]
    assert found.refused == [("exports/b.csv", 4, "1 columns where the header has 2")]
    assert read("exports/**/*.csv").values("key") == ["a-1", "b-1", "b-2", "c-1"]


def test_paths_that_lead_nowhere_or_out(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "out.csv").write_text("key\na\n")
    (folder / "link.csv").symlink_to(tmp_path / "out.csv")
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    (folder / "sub").mkdir()
    (folder / "a.csv").write_text("key\na\n")
    (folder / "a.json").write_text("[]")

    def problem(path: str, **options: Any) -> str:
        with pytest.raises(MappingError) as error:
            staged(folder, items({"f": {"path": path, **options}}))
        return str(error.value).removeprefix("m.yaml: ").replace(str(folder), "DATA")

    outside = "leads out of the data folder; move the file or give --data"
    assert problem("../out.csv") == f"../out.csv {outside}"
    assert problem(str(tmp_path / "out.csv")).endswith(outside)
    assert problem("link.csv") == f"link.csv {outside}"
    assert problem("l*.csv").endswith(outside)
    assert problem("../*.csv") == f"../*.csv {outside}"
    assert "loop.csv can't be read: " in problem("loop.csv")
    assert problem("sub", format="csv") == "sub is not a file; for the files in a folder write sub/*.csv"
    assert problem("x*.csv") == "no file below DATA matches x*.csv; check --data and the path"
    assert problem("/*.csv").startswith("/*.csv can't be read: ")
    assert problem("a.*") == "a.* matches files of several formats; give each its own entry"
    assert "can't be read: " in problem("x" * 300 + ".csv")
    assert "has a NUL character; remove it" in problem("a\0.csv")


def test_a_mapping_stays_as_it_is_written(tmp_path: Path) -> None:
    text = """
source: 2026
files:
  f: {inline: [{no: n-1, on: NO, y: 0123, 2026: 1.10}]}
sections:
  - entity: configuration_items
    file: f
    distinct: true
    fields: {key: no, name: on, class: {constant: server}}
    attributes: {y: y, 2026: 2026, n: {column: no}}
"""
    found = staged(tmp_path, text)
    assert found.records == [
        {"source": "2026", "key": "n-1", "name": "NO", "class": "server", "dropped": "{}"}
        | {"attributes": '{"y":"0123","2026":"1.10","n":"n-1"}'}
    ]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("fields: {key: [a]}", "Expected `str | object`, got `array` - at `sections[0].fields.key`"),
        ("fields: {key: }", "Expected `str | object`, got `null` - at `sections[0].fields.key`"),
        ("fields: {key: k, name: {colum: k}}", "Object contains unknown field `colum` - at `sections[0].fields.name`"),
        (
            "fields: {key: k}\n    each: [{name: [k]}]",
            "Expected `str | object`, got `array` - at `sections[0].each[0].name`",
        ),
        ("fields: {key: k}\n    distinct: yes", "Expected `bool`, got `str` - at `sections[0].distinct`"),
        ("fields: {key: k, key: n}", "key 'key' is on line 6 and again on line 6"),
        (
            "fields: {key: {column: k, row: true}}",
            "sections[0].fields.key: give exactly one of column, constant, template, first_of, row, file",
        ),
        (
            "fields: {key: k}\n    where: {k: {is: 1}}",
            "sections[0].where.k: 'is' is not an operator; there are equals, in, not,",
        ),
        (
            "fields: {key: k}\n    where: {k: {matches: '('}}",
            "sections[0].where.k.matches is not a pattern: missing ), unterminated subpattern",
        ),
        (
            "fields: {key: k}\n    where: {k: {greater: x}}",
            "sections[0].where.k.greater: 'x' is not a number; for times there are before and after",
        ),
        (
            "fields: {key: {column: k, time: '%H:%M'}}",
            "sections[0].fields.key.time: '%H:%M' has no year; a time needs one (%Y)",
        ),
        (
            "fields: {key: {column: k, lookup: {file: g, key: a, value: b}}}",
            "sections[0].fields.key.lookup.file: 'g' is not among files; there are f",
        ),
    ],
)
def test_what_is_wrong_with_a_mapping_is_named_by_its_key(tmp_path: Path, section: str, message: str) -> None:
    text = f"source: s\nfiles: {{f: {{inline: [{{k: 1}}]}}}}\nsections:\n  - entity: configuration_items\n    file: f\n    {section}\n"
    with pytest.raises(MappingError) as error:
        staged(tmp_path, text)
    assert message in str(error.value)
