"""Reads CSV: a header, and cells that may contain line breaks. Memory use is that of one row."""

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO

from datasources.files.errors import MappingError
from datasources.files.formats.encodings import detect_encoding, find_bad_byte, read_lines
from datasources.files.mapping import DataFile
from datasources.files.rejects import RejectHandler

# Characters of one cell. More than the largest field of an entity, so that a long value is rejected with its size; an
# unclosed quote reads no more than this.
MAX_CELL_CHARACTERS = 16 * 1_048_576
csv.field_size_limit(MAX_CELL_CHARACTERS)

# The first line by which Excel names the delimiter.
_SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_BREAKS = re.compile(r"\s*[\r\n]+\s*")


def normalize_column_name(cell: object) -> str:
    """Return a header cell as a column name: line breaks become one space, surrounding space is removed."""
    return _BREAKS.sub(" ", str(cell)).strip()


class CsvRows:
    """The header and the rows of one file. Raises MappingError if the header can't be read."""

    def __init__(self, stream: IO[bytes], file: DataFile, label: str) -> None:
        self._label = label
        self._encoding = detect_encoding(stream, file.encoding, label)
        self._bad: dict[int, str] = {}
        lines = self._lines(stream)
        first = next(lines, "")
        separator = _SEPARATOR.fullmatch(first)
        self._before = 1 if separator else 0
        delimiter = file.delimiter or ("\t" if label.lower().removesuffix(".gz").endswith(".tsv") else ",")
        if separator:
            if file.delimiter not in {None, separator.group(1)}:
                raise MappingError(
                    f"{label}: its first line says sep={separator.group(1)}, the mapping delimiter {file.delimiter!r};"
                    " remove delimiter"
                )
            delimiter = separator.group(1)
        else:
            lines = chain([first], lines) if first else iter(())
        try:
            self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        except (TypeError, ValueError) as error:
            raise MappingError(f"{label}: the delimiter {delimiter!r} can't be used: {error}") from error
        self.header = [normalize_column_name(cell) for cell in self._head(file.header)]

    def rows(self, reject: RejectHandler) -> Iterator[tuple[int, list[str]]]:
        """Yield rows with the line on which they begin. Unreadable rows go to `reject`."""
        bad, reader, width = self._bad, self._reader, len(self.header)
        line = self._line
        while True:
            begin = line + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                line = self._line
                self._problem(begin, line)
                reject(begin, _malformed(error, begin, line), None)
                continue
            line = self._line
            if bad and (problem := self._problem(begin, line)):
                reject(begin, problem, row)
            elif len(row) == width:
                yield begin, row
            elif row:
                reject(begin, f"{len(row)} columns where the header has {width}", row)

    def _head(self, number: int) -> list[str]:
        while True:
            begin = self._line + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                raise MappingError(f"{self._label}: the file is empty; it needs a header line") from None
            except csv.Error as error:
                raise MappingError(f"{self._label}: the header: {_malformed(error, begin, self._line)}") from error
            if problem := self._problem(begin, self._line):
                raise MappingError(f"{self._label}: the header: {problem}; give its encoding")
            number -= bool(cells)
            if not number:
                return cells

    @property
    def _line(self) -> int:
        return self._reader.line_num + self._before

    def _problem(self, begin: int, end: int) -> str | None:
        problems = [self._bad.pop(number) for number in range(begin, end + 1) if number in self._bad]
        return problems[0] if problems else None

    def _lines(self, stream: IO[bytes]) -> Iterator[str]:
        for number, line in enumerate(read_lines(stream, self._encoding, self._label), start=1):
            if not line.isascii() and (problem := find_bad_byte(line, self._encoding)):
                self._bad[number] = f"line {number} {problem}"
            yield line


def _malformed(error: csv.Error, begin: int, end: int) -> str:
    upto = f" to {end}" if end > begin else ""
    reason = str(error)
    if "unexpected end" in reason:
        reason = f"a quote that opens on line {begin} is never closed; close it, or double it"
    elif "field limit" in reason:
        reason = f"a cell is longer than {MAX_CELL_CHARACTERS:,} characters; is a quote left open?"
    return f"malformed CSV on line {begin}{upto}: {reason}"
