"""Readers: every format, the line each row begins on, and what can't be read."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from datasources.files.errors import MappingError
from datasources.files.formats.readers import FileReader
from datasources.files.mapping import DataFile


def read(folder: Path, name: str, content: str | bytes, **options: Any) -> tuple[list[Any], list[tuple[int, str]]]:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    refused: list[tuple[int, str]] = []
    reader = FileReader(DataFile(path=name, **options), folder, "mapping.yaml")
    rows = list(reader.rows(lambda line, reason, _row: refused.append((line, reason))))
    return rows, refused


def test_csv_lines_are_those_a_row_begins_on(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, "x.csv.gz", 'a,b\n1,"two\nlines"\n\n3,4\n')
    assert rows == [(2, ["1", "two\nlines"]), (5, ["3", "4"])]
    assert refused == []


def test_csv_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbfa;b\n1;2\n")
    assert FileReader(DataFile(path="x.csv", delimiter=";"), tmp_path, "m").header() == ["a", "b"]


def test_csv_quote_that_never_closes_is_told_with_all_its_lines(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, "x.csv", 'a,b\n1,2\n3,"4\n5,6\n')
    assert rows == [(2, ["1", "2"])]
    assert refused == [
        (3, "malformed CSV on line 3 to 4: a quote that opens on line 3 is never closed; close it, or double it")
    ]


def test_csv_bad_bytes_inside_a_long_row_refuse_the_row(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, "x.csv", b'a,b\n1,"one\n\xff"\n3,4\n')
    assert rows == [(4, ["3", "4"])]
    assert refused == [(2, "line 3 is not utf-8: byte 0xff at place 0")]


def test_json_lines(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, "x.jsonl", '{"a": 1}\n\n{"a": \n[1]\n{"a": "\\ud800"}\n{"a": 2}\n')
    assert rows == [(1, {"a": 1}), (6, {"a": 2})]
    assert [line for line, _ in refused] == [3, 4, 5]
    assert refused[1][1] == "not a JSON object but '[1]'"


def test_json_lines_nested_too_deep_are_refused(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, "x.jsonl", '{"a": ' + "[" * 100_000 + "]" * 100_000 + '}\n{"a": 2}\n')
    assert rows == [(2, {"a": 2})]
    assert [line for line, _ in refused] == [1]


def test_json_rows_inside_a_document(tmp_path: Path) -> None:
    text = '{"skip": {"rows": [0]},\n "data": {"n": 1, "rows": [\n  {"a": 1},\n  {"a":\n 2}, 7\n]}}'
    rows, refused = read(tmp_path, "x.json", text, rows="data.rows")
    assert rows == [(3, {"a": 1}), (4, {"a": 2})]
    assert refused == [(5, "not a JSON object but '7'")]


@pytest.mark.parametrize(
    ("name", "text", "rows", "message"),
    [
        ("x.json", '{"a": [', "a", "x.json: malformed JSON on line 1: Expecting value"),
        ("x.json", '{"a": 1}', "b", "x.json: there is no b in the document; check rows"),
        ("x.json", '{"a": 1}', "a", "x.json: a is not a list; check rows"),
        ("x.json", '[{"a": 1} {"a": 2}]', "", "x.json: malformed JSON on line 1: expected , or ]"),
        ("x.yaml", "a: 1", "b", "x.yaml: there is no b in the document; check rows"),
        ("x.yaml", "a: 1", "a", "x.yaml: a is not a list; check rows"),
        ("x.yaml", b"a: [\xff]", "a", "x.yaml: byte 4 on line 1 is not utf-8; give its encoding"),
    ],
)
def test_documents_that_cannot_be_read(tmp_path: Path, name: str, text: str | bytes, rows: str, message: str) -> None:
    with pytest.raises(MappingError) as error:
        read(tmp_path, name, text, rows=rows)
    assert str(error.value) == message


def test_yaml_rows_keep_lines_and_leave_times_as_written(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, "x.yml", "top:\n  - a: 2013-10-27 02:30:00\n\n  - a: [1]\n  - text\n", rows="top")
    assert rows == [(2, {"a": "2013-10-27 02:30:00"}), (4, {"a": [1]})]
    assert refused == [(5, "not a mapping but 'text'")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "x.csv: the file is empty; it needs a header line"),
        ("x.csv", b"a\xff,b\n", "x.csv: the header: line 1 is not utf-8: byte 0xff at place 1; give its encoding"),
        ("x.csv.gz", b"no gzip", "m: x.csv.gz can't be read: not a whole gzip file; check --data and the path"),
    ],
)
def test_csv_headers_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MappingError) as error:
        FileReader(DataFile(path=name), tmp_path, "m").header()
    assert str(error.value) == message


def test_a_missing_file_and_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"m: x\.csv can't be read: No such file or directory; check --data"):
        FileReader(DataFile(path="x.csv"), tmp_path, "m").header()
    with pytest.raises(MappingError, match=r"the format of x\.txt is not known by its name; give format"):
        FileReader(DataFile(path="x.txt"), tmp_path, "m")
