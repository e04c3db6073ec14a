"""Files of the kinds that people have: what is read of each, or the one line that says what is wrong with it."""

# Messages are compared whole.
# ruff: noqa: E501

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from datasources.files.errors import MappingError
from tests.fixtures.sections import items, staged

ROWS = "key,note\na,Zoë\nb,x\n"


def keys(folder: Path, data: bytes, name: str = "f.csv", **options: Any) -> list[str]:
    (folder / name).write_bytes(data)
    found = staged(folder, items({"f": {"path": name, **options}}, attributes={"note": "note"}))
    assert found.refused == []
    return found.values("key")


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", None),
        ("utf-16", "utf-16"),
        ("utf-32", None),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-16-be", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("latin-1", "latin-1"),
        ("cp1252", "windows-1252"),
        ("gb18030", "gb18030"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "yaml"])
def test_encodings(tmp_path: Path, encoding: str, declared: str | None, form: str) -> None:
    lines = '{"key": "a", "note": "Zoë"}\n{"key": "b", "note": "x"}\n'
    text = {
        "csv": ROWS,
        "jsonl": lines,
        "json": f"[{lines.replace(chr(10), ',', 1)}]",
        "yaml": f"- {lines}".replace("\n{", "\n- {"),
    }
    data = text[form].replace("Zoë", "Zoe" if encoding == "gb18030" else "Zoë").encode(encoding)
    assert keys(tmp_path, data, f"f.{form}", **({"encoding": declared} if declared else {})) == ["a", "b"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_line_breaks_in_cells(tmp_path: Path, end: str) -> None:
    data = f'key,"note{end}(long)"{end}a,"one{end}two"{end}{end}b,x'.encode()
    (tmp_path / "f.csv").write_bytes(data)
    found = staged(tmp_path, items({"f": {"path": "f.csv"}}, attributes={"note": "note (long)"}))
    assert found.values("key") == ["a", "b"]
    assert found.refused == []


def test_mixed_line_ends_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_bytes(b"key,note\r\na,1\rb,2\nc\r\n")
    found = staged(tmp_path, items({"f": {"path": "f.csv"}}))
    assert found.values("key") == ["a", "b"]
    assert found.refused == [("f.csv", 4, "1 columns where the header has 2")]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (b"sep=;\r\nkey;note\r\na;1\r\nb;2\r\n", {}),
        (b"key\tnote\na\t1\nb\t2\n", {"delimiter": "\t"}),
        (b"Servers of 2026\n\nkey,note\na,1\nb,2\n", {"header": 2}),
        (b"\n\nkey, note ,,\na,1,,\nb,2,,\n", {}),
        (b"key,note,x,x\na,1,2,3\nb,1,2,3\n", {}),
    ],
)
def test_tables_as_spreadsheets_save_them(tmp_path: Path, data: bytes, options: dict[str, Any]) -> None:
    assert keys(tmp_path, data, **options) == ["a", "b"]


def test_tabs_and_gzip_by_the_name(tmp_path: Path) -> None:
    assert keys(tmp_path, gzip.compress(b"key\tnote\na\t1\n"), "F.TSV.GZ") == ["a"]


BROKEN: list[tuple[str, bytes, dict[str, Any], str]] = [
    ("f.csv", b"", {}, "f.csv: the file is empty; it needs a header line"),
    ("f.csv", b"\r\n\r\n", {}, "f.csv: the file is empty; it needs a header line"),
    ("f.csv", ROWS.encode("utf-16"), {"encoding": "utf-8"}, "f.csv: begins with the byte order mark of utf-16-le, but encoding says utf-8; remove encoding"),
    ("f.csv", ROWS.encode("utf-8-sig"), {"encoding": "latin-1"}, "f.csv: begins with the byte order mark of utf-8, but encoding says latin-1; remove encoding"),
    ("f.csv", ROWS.encode("utf-16-le"), {}, "f.csv: looks like utf-16-le; write encoding: utf-16-le"),
    ("f.csv", ROWS.encode("utf-16-be"), {}, "f.csv: looks like utf-16-be; write encoding: utf-16-be"),
    ("f.csv", ROWS.encode(), {"encoding": "utf-16"}, "f.csv: no byte is zero, so it is not utf-16; remove encoding"),
    ("f.csv", "key,nöte\n".encode("latin-1"), {}, "f.csv: the header: line 1 is not utf-8: byte 0xf6 at place 5; give its encoding"),
    ("f.csv", b'key,"note\na,1\n', {}, "f.csv: the header: malformed CSV on line 1 to 2: a quote that opens on line 1 is never closed; close it, or double it"),
    ("f.csv", b"key;note\na;1\n", {}, "m.yaml: sections[0].key reads column 'key', which f.csv does not have; its header is one column: write delimiter: ';'"),
    ("f.csv", b"key\tnote\na\t1\n", {}, "m.yaml: sections[0].key reads column 'key', which f.csv does not have; its header is one column: write delimiter: \"\\t\""),
    ("f.csv", b"sep=;\nkey;note\n", {"delimiter": "|"}, "f.csv: its first line says sep=;, the mapping delimiter '|'; remove delimiter"),
    ("f.csv", b"key,note,note\na,1,2\n", {}, "m.yaml: sections[0].note reads column 'note', which f.csv has 2 times (columns 2, 3); rename one"),
    ("f.csv", b"Key,note\na,1\n", {}, "m.yaml: sections[0].key reads column 'key', which f.csv does not have; did you mean Key?"),
    ("f.csv.gz", gzip.compress(ROWS.encode(), mtime=0)[:-12], {}, "m.yaml: f.csv.gz can't be read: not a whole gzip file; check --data and the path"),
    ("f.csv.gz", ROWS.encode(), {}, "m.yaml: f.csv.gz can't be read: not a whole gzip file; check --data and the path"),
    ("f.json", b'[{"key": "a"}, {"key": "b"', {}, "f.json: malformed JSON on line 1: Expecting ',' delimiter"),
    ("f.json", b'[{"key": "a"},\n {"key": \'b\'}]', {}, "f.json: malformed JSON on line 2: Expecting value"),
    ("f.json", b'{"items": [{"key": "a"}]}', {}, "f.json: the document is not a list; check rows"),
    ("f.json", b'{"items": [{"key": "a"}]}', {"rows": "Items"}, "f.json: there is no Items in the document; check rows"),
    ("f.json", b"", {}, "f.json: the file is empty; it needs a document"),
    ("f.json", '[{"key": "Zoë"}]'.encode("latin-1"), {}, "f.json: byte 12 on line 1 is not utf-8; give its encoding"),
    ("f.yaml", b"- key: a\n  note: b: c\n", {}, "f.yaml: not readable as YAML: mapping values are not allowed in this context on line 2"),
    ("f.yaml", b"- key: a\n---\n- key: b\n", {}, "f.yaml: a second document begins on line 2; give it a file of its own"),
    ("f.yaml", b"- key: \x07\n", {}, "f.yaml: not readable as YAML: unacceptable character #x0007: control characters are not allowed in \"<unicode string>\", position 7"),
    ("f.xlsx", ROWS.encode(), {}, "f.xlsx: is not a workbook: 'File is not a zip file'; save it as .xlsx again"),
    ("f.xls", b"\xd0\xcf\x11\xe0", {}, "m.yaml: the format of f.xls is not known by its name; save it as .xlsx"),
    ("f.txt", ROWS.encode(), {}, "m.yaml: the format of f.txt is not known by its name; give format"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "options", "message"), BROKEN)
def test_broken_files_end_in_one_line(
    tmp_path: Path, name: str, data: bytes, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(MappingError) as error:
        keys(tmp_path, data, name, **options)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("f.csv", b"key,note\n\xff,1\nb,1\n", "line 2 is not utf-8: byte 0xff at place 0"),
        ("f.csv", b"key,note\na\x00,1\nb,1\n", "key has a NUL character; remove it"),
        ("f.csv", b"key,note\na\nb,1\n", "1 columns where the header has 2"),
        ("f.csv", b"key,note\na,1,2\nb,1\n", "3 columns where the header has 2"),
        ("f.csv", b'key,note\n"a"x,1\nb,1\n', "malformed CSV on line 2: ',' expected after '\"'"),
        ("f.json", b'[\n{"key": "a", "note": NaN},\n{"key": "b"}]', "attributes.note has a number that is not finite; leave it out or write it as text"),
        ("f.json", b'[\n{"key": "a", "note": 1e400},\n{"key": "b"}]', "attributes.note has a number that is not finite; leave it out or write it as text"),
        ("f.json", b'[\n{"key": "a", "note": ' + b"9" * 400 + b'},\n{"key": "b"}]', "attributes.note has an integer of more than 64 bits; write it as text"),
        ("f.json", b'[\n{"key": "a", "note": ' + b"9" * 5_000 + b'},\n{"key": "b"}]', "attributes.note has a number that is not finite; leave it out or write it as text"),
        ("f.json", b'[\n{"key": "a", "note": "\\ud83d"},\n{"key": "b"}]', "attributes.note has half of a surrogate pair, which is no character; remove it"),
        ("f.json", b'[\n{"key": "a", "note": {"\\udc00": 1}},\n{"key": "b"}]', "attributes.note has half of a surrogate pair, which is no character; remove it"),
        ("f.json", b'[\n{"key": "a\\ud83d"},\n{"key": "b", "note": 1}]', "key has half of a surrogate pair, which is no character; remove it"),
        ("f.json", b'[\n{"key": "a", "note": ' + b"[" * 300 + b"]" * 300 + b'},\n{"key": "b"}]', "attributes.note is nested more than 32 levels deep; make it flatter"),
        ("f.json", b'[\n{"key": "a", "note": ' + b"[" * 90_000 + b"]" * 90_000 + b'},\n{"key": "b"}]', "nested too deep to be read"),
        ("f.json", b'[\n{"key": Infinity, "note": 1},\n{"key": "b"}]', "a number is not finite; leave it out or write it as text"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_stored_is_refused_and_the_next_goes_in(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(data)
    found = staged(tmp_path, items({"f": {"path": name}}, attributes={"note": "note"}))
    assert found.refused == [(name, 2, reason)]
    assert found.values("key") == ["b"]


@pytest.mark.parametrize("field", ["trigger", "keys"])
@pytest.mark.parametrize("hostile", [float("inf"), "\ud83d", 2**70, [[[]]] * 3])
def test_documents_pass_the_gate_in_every_field(tmp_path: Path, field: str, hostile: Any) -> None:
    value = {"s": hostile}
    for _ in range(40 if isinstance(hostile, list) else 0):
        value = {"s": value}
    (tmp_path / "f.json").write_text(json.dumps([{"key": "a", "d": value}, {"key": "b", "d": {}}]))
    mapping = items({"f": {"path": "f.json"}}, fields={"keys": "d"})
    if field == "trigger":
        mapping["sections"][0] |= {"entity": "workflows", "fields": {"key": "key", "trigger": "d"}}
    found = staged(tmp_path, mapping)
    [(_, line, reason)] = found.refused
    assert (line, reason.startswith(f"{field} ")) == (1, True)
    assert found.values("key") == ["b"]


@pytest.mark.parametrize(("key", "shown"), [(["x"], '["x"]'), (1.5, "1.5"), (True, "true")])
def test_an_identification_key_is_text(tmp_path: Path, key: Any, shown: str) -> None:
    found = staged(tmp_path, items({"f": {"inline": [{"key": "a", "keys": {"s": key}}]}}, fields={"keys": "keys"}))
    assert found.refused == [("m.yaml (inline)", 1, f"keys.'s' is '{shown}'; a key is text")]
    found = staged(tmp_path, items({"f": {"inline": [{"key": "a", "keys": {"s": 7}}]}}, fields={"keys": "keys"}))
    assert found.values("keys") == ['{"s":7}']


def test_the_texts_of_a_requirements_item_fit_one_index(tmp_path: Path) -> None:
    rows = [{"source": "𒀀" * 300, "item": "𒀁" * 400}, {"source": "a", "item": "b"}]
    fields = {"requirement": {"constant": "r"}, "item_source": "source", "item": "item"}
    section = {"entity": "requirement_items", "file": "f", "fields": fields}
    found = staged(tmp_path, {"source": "s", "files": {"f": {"inline": rows}}, "sections": [section]})
    reason = "item_source, item are 2,800 bytes together, above the limit of 2,600 of an index"
    assert found.refused == [("m.yaml (inline)", 1, reason)]


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("number", "1e400", "column note: '1e400' has a number that is not finite; leave it out or write it as text"),
        ("number", "nan", "column note: 'nan' is not number"),
        ("number", "inf", "column note: 'inf' is not number"),
        ("number", "1_000", "column note: '1_000' is not number"),
        ("number", "1,5", "column note: '1,5' is not number"),
        ("integer", "9" * 400, f"column note: '{'9' * 60}… (400 characters)' has an integer of more than 64 bits; write it as text"),
        ("integer", "9" * 9_000, f"column note: '{'9' * 60}… (9,000 characters)' has an integer of more than 64 bits; write it as text"),
        ("integer", "1.0", "column note: '1.0' is not integer"),
        ("integer", "١٢", "column note: '١٢' is not integer"),
    ],
)  # fmt: skip
def test_numbers_of_csv_pass_the_gate(tmp_path: Path, kind: str, text: str, reason: str) -> None:
    (tmp_path / "f.csv").write_text(f'key,note\na,"{text}"\n')
    found = staged(tmp_path, items({"f": {"path": "f.csv"}}, attributes={"note": {"column": "note", "as": kind}}))
    assert found.refused == [("f.csv", 2, reason)]
