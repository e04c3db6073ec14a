"""Workbooks: cells as they were written, sheets by name and number, and what is refused before it fills the memory."""

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from datasources.files.errors import MappingError
from datasources.files.formats import workbooks
from datasources.files.formats.readers import FileReader
from datasources.files.mapping import DataFile
from tests.fixtures.workbooks import number, row, text, workbook

HEAD = row(1, A=text("key"), B=text("n"), C=text("at"))


def read(folder: Path, data: bytes, **options: Any) -> tuple[list[str] | None, list[tuple[int, Any]]]:
    (folder / "x.xlsx").write_bytes(data)
    reader = FileReader(DataFile(path="x.xlsx", **options), folder, "m.yaml")
    return reader.header(), list(reader.rows(lambda line, reason, _: pytest.fail(f"{line}: {reason}")))


def problem(folder: Path, data: bytes, **options: Any) -> str:
    with pytest.raises(MappingError) as error:
        read(folder, data, **options)
    return str(error.value)


def test_cells_are_what_was_written(tmp_path: Path) -> None:
    rows = (
        row(1, A=text("key"), B=text("size\n(GB)"), C=text(" at "), D=text("long"), E=text("real"))
        + row(2, A=text("00123"), B=number("123.0"), C=number(46204, 1), D=number(1.25, 3), E=number(0.1))
        + row(4, A=number(123), B=' t="b"><v>1</v>', C=number("46204.5", 2), D=' t="e"><v>#N/A</v>', F=text("beyond"))
    )
    header, found = read(tmp_path, workbook({"Servers": rows}))
    assert header == ["key", "size (GB)", "at", "long", "real"]
    assert found == [
        (2, ["00123", 123, date(2026, 7, 1), "30:00:00", 0.1]),
        (4, [123, True, datetime(2026, 7, 1, 12), "", ""]),
    ]
    assert [type(cell) for cell in found[0][1][:2]] == [str, int]


def test_a_sheet_by_name_by_number_and_the_first_that_is_not_hidden(tmp_path: Path) -> None:
    sheets = {name: HEAD + row(2, A=text(name)) for name in ("Old", "New", "2026")}
    data = workbook(sheets, hidden=("Old",))

    def key(**options: Any) -> Any:
        return read(tmp_path, data, **options)[1][0][1][0]

    assert key() == "New"
    assert key(sheet="Old") == "Old"
    assert key(sheet=2) == "New"
    assert key(sheet=2026) == "2026"
    assert problem(tmp_path, data, sheet="new") == "x.xlsx: there is no sheet new; did you mean New?"
    assert problem(tmp_path, data, sheet=4) == "x.xlsx: there is no sheet 4; there are 2026, New, Old"


def test_a_header_below_a_title(tmp_path: Path) -> None:
    data = workbook({"S": row(1, A=text("Servers of 2026")) + row(3, A=text("key")) + row(4, A=text("a"))})
    assert read(tmp_path, data, header=3) == (["key"], [(4, ["a"])])
    assert problem(tmp_path, data, header=2) == "x.xlsx: row 2 of sheet S is empty; it needs a header there"
    assert problem(tmp_path, data, header=9) == "x.xlsx: row 9 of sheet S is empty; it needs a header there"


def test_cells_far_apart_are_refused_before_room_is_made_for_what_lies_between(tmp_path: Path) -> None:
    far = row(1048576, XFD=text("far"))
    assert problem(tmp_path, workbook({"S": HEAD + far})) == (
        "x.xlsx: its cells span 1,048,576 rows and 16,384 columns, above 20,000,000 cells; delete distant cells,"
        " or save it as CSV"
    )
    beyond = row(10_000_000, ZZZZ=text("beyond"))
    assert problem(tmp_path, workbook({"S": HEAD + beyond})) == "x.xlsx: has a cell ZZZZ10000000, beyond any sheet"


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="900000000"><c><v>1</v></c></row>', '<row r="900000000"/><row><c><v>1</v></c></row>',
        '<row r="5" r="900000000"><c><v>1</v></c></row>', '<row r="+900000000"><c><v>1</v></c></row>',
        """<row x=" r='5'" r="900000000"><c><v>1</v></c></row>""", '<row x=">" r = "900000000"><c><v>1</v></c></row>',
        '<x:row r="900000000"><x:c><v>1</v></x:c></x:row>', '<row r="5"><c s="0" r="A900000000"><v>1</v></c></row>',
        """<row r="5"><c r='A900000000'><v>1</v></c></row>""", '<row r="5"><c r="900000000"><v>1</v></c></row>',
    ],
)  # fmt: skip
def test_however_a_far_row_is_written_no_room_is_made_for_it(tmp_path: Path, rows: str) -> None:
    # The library would end the process.
    message = problem(tmp_path, workbook({"S": HEAD + rows}))
    assert re.fullmatch(r"x\.xlsx: has a cell in row 900,000,00[01] and column 1, beyond any sheet", message)


def test_more_cells_in_a_row_than_a_sheet_has_columns_are_refused(tmp_path: Path) -> None:
    message = "x.xlsx: has a cell in row 1 and column 16,385, beyond any sheet"
    assert problem(tmp_path, workbook({"S": "<row>" + "<c/>" * 16_385 + "</row>"})) == message


def test_a_place_is_not_searched_for_in_other_attributes(tmp_path: Path) -> None:
    rows = """<row x=" r='900000000'" r="3"><c x=' r="A900000000"' r="A3"><v>7</v></c><c><v>8</v></c></row>"""
    assert read(tmp_path, workbook({"S": HEAD + rows + '<row r="1048576"/>'}))[1] == [(3, [7, 8, ""])]


def test_more_rows_than_a_sheet_has_are_refused(tmp_path: Path) -> None:
    # Packed, they are a few kilobytes.
    data = workbook({"S": HEAD + "<row/>" * 1_048_576})
    message = "x.xlsx: has more than 1,048,576 rows; delete the empty ones, or save it as CSV"
    assert problem(tmp_path, data) == message


def test_what_unpacks_to_too_much_is_refused_by_the_archives_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MAX_FILE_BYTES", 100_000)
    data = workbook({"S": HEAD}, parts={"xl/sharedStrings.xml": b" " * 1_000_000})
    assert len(data) < 5_000
    assert "unpacks to 1,00" in problem(tmp_path, data)
    assert problem(tmp_path, bytes(100_001)) == "x.xlsx: above 100,000 bytes; save it as CSV, which is streamed"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.xlsx: is not a workbook: 'File is not a zip file'; save it as .xlsx again"),
        (b"key,name\na,b\n", "x.xlsx: is not a workbook: 'File is not a zip file'; save it as .xlsx again"),
        (b"\xd0\xcf\x11\xe0" + bytes(500), "x.xlsx: is encrypted or an old .xls; save it as .xlsx without a password"),
        (workbook({"S": HEAD})[:400], "x.xlsx: is not a workbook: 'File is not a zip file'; save it as .xlsx again"),
        (workbook({}), "x.xlsx: has no sheet that is not hidden; give sheet; there are "),
        (workbook({"S": ""}), "x.xlsx: row 1 of sheet S is empty; it needs a header there"),
    ],
)
def test_workbooks_that_cannot_be_read(tmp_path: Path, data: bytes, message: str) -> None:
    assert problem(tmp_path, data) == message


def test_malformed_parts_are_one_line(tmp_path: Path) -> None:
    assert problem(tmp_path, workbook({"S": '<row r="1"><c r="A1"><v>1'})).startswith(
        "x.xlsx: is not a workbook that can be read: "
    )


def test_an_old_workbook_is_named_by_its_suffix(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"the format of x\.xls is not known by its name; save it as \.xlsx"):
        FileReader(DataFile(path="x.xls"), tmp_path, "m")


def test_counts_that_a_workbook_says_of_itself_make_no_room(tmp_path: Path) -> None:
    shared = '<sst xmlns="x" count="{0}" uniqueCount = \'{0}\'><si><t>key</t></si><si><t>count="2"</t></si></sst>'
    many = shared.format(2**32 - 1).replace("x", "http://schemas.openxmlformats.org/spreadsheetml/2006/main", 1)
    rows = row(1, A=' t="s"><v>0</v>') + row(2, A=' t="s"><v>1</v>')
    # The library would end the process.
    data = workbook({"S": rows}, parts={"xl/sharedStrings.xml": many.encode()})
    assert read(tmp_path, data) == (["key"], [(2, ['count="2"'])])
