"""Reads sheets of XLSX workbooks as rows. A workbook is held in memory after a check of its size."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import IO, Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from datasources.files.errors import MappingError
from datasources.files.formats.csv_rows import normalize_column_name
from datasources.files.formats.encodings import MAX_FILE_BYTES
from datasources.files.hints import suggest_names
from datasources.files.mapping import DataFile
from datasources.files.rejects import RejectHandler, shorten

# Cells of the rectangle around all cells of a sheet. The library allocates all of them.
MAX_CELLS = 20_000_000
# Rows and columns of a sheet, and digits of a row's number including leading zeros.
# https://support.microsoft.com/en-us/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_DIGITS = 10
# Entries of a workbook's archive. A workbook of a hundred sheets has about three hundred.
MAX_PARTS = 5_000
# Integers up to this value are exact in a double, the only number type of a workbook.
_EXACT = 2**53

# Only these parts are unpacked, not pictures, fonts or printer settings.
_PARTS = (".xml", ".rels")
# Tags that declare a number of elements. The library allocates that many, whatever the part contains.
_COUNTED = re.compile(rb"<(?:\w+:)?(?:sst|mergeCells|numFmts|cellXfs|cellStyleXfs|dxfs)\s[^<>]*>")
_COUNT = re.compile(rb"""\s(?:uniqueCount|count)\s*=\s*(?:"[^"]*"|'[^']*')""")
# A row or a cell: its reference, which is usually the first attribute, and its other attributes.
_PLACED = re.compile(
    rb"""<(?:[\w.\-]+:)?(?:(row)|c)(?=[\s/>])(?:\s+r="([A-Z]{0,3})([0-9]{1,7})"(?=[\s/>]))?"""
    rb"""((?:[^<>"']|"[^"]*"|'[^']*')*+)>"""
)
_ATTRIBUTE = re.compile(rb"""([^\s=/"'<>]+)\s*=\s*("[^"]*"|'[^']*')""")
_PLACE = re.compile(rb"[\"']([A-Za-z]*)\+?([0-9]+)[\"']")


class SheetRows:
    """The header and the rows of one sheet. Raises MappingError if the workbook can't be read."""

    def __init__(self, stream: IO[bytes], file: DataFile, label: str) -> None:
        self._label = label
        try:
            workbook = CalamineWorkbook.from_filelike(_unpacked(stream, label))
            sheet = _sheet(workbook, file, label)
            self._cells = sheet.to_python(skip_empty_area=False)
        except PasswordError as error:
            raise MappingError(f"{label}: is encrypted; save it without a password") from error
        except (CalamineError, OSError, ValueError) as error:
            raise MappingError(
                f"{label}: is not a workbook that can be read: {' '.join(str(error).split())}"
            ) from error
        self._first = file.header
        if len(self._cells) < file.header or not any(cell != "" for cell in self._cells[file.header - 1]):
            raise MappingError(f"{label}: row {file.header} of sheet {sheet.name} is empty; it needs a header there")
        head = [normalize_column_name(_value(cell)) for cell in self._cells[file.header - 1]]
        while head and not head[-1]:
            head.pop()
        self.header = head

    def rows(self, reject: RejectHandler) -> Iterator[tuple[int, list[Any]]]:
        """Yield rows with their number in the sheet. Empty rows and cells to the right of the header are skipped."""
        width = len(self.header)
        for number, cells in enumerate(self._cells[self._first :], start=self._first + 1):
            row = [_value(cell) for cell in cells[:width]]
            if any(cell != "" for cell in row):
                yield number, row
            elif any(cell != "" for cell in cells[width:]):
                reject(number, "all its cells are to the right of the header", [_value(cell) for cell in cells])


def _value(cell: Any) -> Any:
    """Return a cell as it was written: 123.0 is 123. Times remain times; a duration becomes text."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) <= _EXACT:
        return int(cell)
    if isinstance(cell, timedelta):
        hours, rest = divmod(round(cell.total_seconds()), 3_600)
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return cell


def _sheet(workbook: CalamineWorkbook, file: DataFile, label: str) -> CalamineSheet:
    sheets = [each for each in workbook.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    names = [each.name for each in sheets]
    if file.sheet is None:
        visible = [each.name for each in sheets if each.visible == SheetVisibleEnum.Visible]
        if not visible:
            raise MappingError(f"{label}: has no sheet that is not hidden; give sheet{suggest_names('', names)}")
        return workbook.get_sheet_by_name(visible[0])
    if str(file.sheet) in names:
        return workbook.get_sheet_by_name(str(file.sheet))
    if isinstance(file.sheet, int) and 1 <= file.sheet <= len(names):
        return workbook.get_sheet_by_name(names[file.sheet - 1])
    raise MappingError(f"{label}: there is no sheet {file.sheet}{suggest_names(str(file.sheet), names)}")


def _unpacked(stream: IO[bytes], label: str) -> IO[bytes]:
    """Copy the parts that contain cells, uncompressed, none larger than the archive's directory declares."""
    data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise MappingError(f"{label}: above {MAX_FILE_BYTES:,} bytes; save it as CSV, which is streamed")
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise MappingError(f"{label}: is encrypted or an old .xls; save it as .xlsx without a password")
    plain = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(plain, "w") as copy:
            parts = [part for part in archive.infolist() if part.filename.lower().endswith(_PARTS)]
            size = sum(part.file_size for part in parts)
            if size > MAX_FILE_BYTES or len(parts) > MAX_PARTS:
                raise MappingError(
                    f"{label}: unpacks to {size:,} bytes in {len(parts):,} parts, above {MAX_FILE_BYTES:,} bytes or"
                    f" {MAX_PARTS:,} parts; save it as CSV, which is streamed"
                )
            for part in parts:
                # Reads at most the declared size, whatever the part contains.
                content = archive.read(part)
                if b"sheetData" in content:
                    _measure(content, label)
                uncounted = _COUNTED.sub(lambda tag: _COUNT.sub(b"", tag[0]), content)
                copy.writestr(zipfile.ZipInfo(part.filename), uncounted)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error) as error:
        raise MappingError(f"{label}: is not a workbook: {shorten(error, 100)}; save it as .xlsx again") from error
    plain.seek(0)
    return plain


def _measure(sheet: bytes, label: str) -> None:
    """Raise MappingError for a sheet with too many rows, or whose cells span more than MAX_CELLS.

    A row or a cell without a reference is the next one, as in the library.
    """
    columns = rows = 1
    row = column = tags = 0
    for is_row, first, second, rest in map(re.Match.groups, _PLACED.finditer(sheet)):
        unusual = second is None or b"r" in rest
        letters, digits = _place(rest, first, second, label) if unusual else (first, second)
        if is_row:
            tags += 1
            row, column = int(digits) if digits else row + 1, 0
            if tags > MAX_ROWS:
                raise MappingError(
                    f"{label}: has more than {MAX_ROWS:,} rows; delete the empty ones, or save it as CSV"
                )
            continue
        if digits:
            row = int(digits)
        column = _number(letters) if letters else column + 1
        columns, rows = max(columns, column), max(rows, row)
        if row > MAX_ROWS or column > MAX_COLUMNS:
            raise MappingError(f"{label}: has a cell in row {row:,} and column {column:,}, beyond any sheet")
    if columns * rows > MAX_CELLS:
        raise MappingError(
            f"{label}: its cells span {rows:,} rows and {columns:,} columns, above {MAX_CELLS:,} cells; delete distant"
            " cells, or save it as CSV"
        )


def _place(rest: bytes, letters: bytes | None, digits: bytes | None, label: str) -> tuple[bytes | None, bytes | None]:
    """Return the reference of a tag that is written unusually or repeatedly: the largest one."""
    if b"r" not in rest:
        return letters, digits
    for name, value in _ATTRIBUTE.findall(rest):
        place = _PLACE.fullmatch(value) if name == b"r" else None
        if place is None:
            continue
        if len(place[1]) > 3 or len(place[2]) > MAX_DIGITS:
            where = f"{place[1][:9].decode()}{place[2][:9].decode()}"
            raise MappingError(f"{label}: has a cell {where}, beyond any sheet")
        letters = max(letters or b"", place[1].upper(), key=_number)
        digits = max(digits or b"0", place[2], key=int)
    return letters, digits


@cache
def _number(letters: bytes) -> int:
    """Return the number of a column of at most three letters; 0 without letters."""
    column = 0
    for letter in letters.upper():
        column = column * 26 + letter - 64
    return column
