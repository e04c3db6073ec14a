"""Reads files as rows with their line numbers: CSV, JSON Lines, JSON, YAML and XLSX, plain or gzipped.

CSV and JSON Lines are streamed, with the memory of one row. Documents and workbooks are read as a whole.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from datasources.files.errors import MappingError
from datasources.files.formats.csv_rows import CsvRows, normalize_column_name
from datasources.files.formats.documents import read_json_lines, read_json_rows
from datasources.files.formats.encodings import decode_document
from datasources.files.formats.yaml_documents import read_yaml_rows
from datasources.files.hints import suggest_names
from datasources.files.mapping import DataFile
from datasources.files.paths import detect_format, find_files
from datasources.files.rejects import RejectHandler

if TYPE_CHECKING:
    from datasources.files.formats.workbooks import SheetRows

Row = list[Any] | dict[str, Any]
# Rows of JSON Lines that are read before the run to find out whether the mapping's columns exist.
MAX_PEEKED_ROWS = 1_000
# Line numbers of a pattern's second file are shifted by this many bits: one number for file and line.
_FILE_SHIFT = 32
_LINE = re.compile(r"\bon line ([0-9]{1,18})\b")
# Delimiters that the single column of a header contains if the file uses another delimiter.
_DELIMITERS = {";": "';'", "\t": '"\\t"', "|": "'|'"}


@dataclass(slots=True)
class RowPosition:
    """The position of the current row: its file below the data folder, and its number in it from 1."""

    file: str = ""
    row: int = 0


class FileReader:
    """The files of one entry of a mapping. `label` is their path as the mapping writes it."""

    def __init__(self, file: DataFile, folder: Path, mapping: str) -> None:
        self._file = file
        self._mapping = mapping
        self.label = file.path or f"{mapping} (inline)"
        # The position of the current row.
        self.position = RowPosition(self.label)
        # Bytes of all files, as stored on disk for gzipped ones; then the bytes of the files already read.
        self.size: int | None = None
        self._before = 0
        self._raw: IO[bytes] | None = None
        self._files = [] if file.path is None else find_files(folder, file.path, mapping)
        formats = {file.format or detect_format(path, mapping) for _, path in self._files} or {"inline"}
        if len(formats) > 1:
            raise MappingError(f"{mapping}: {file.path} matches files of several formats; give each its own entry")
        self.format = formats.pop()

    def header(self) -> list[str] | None:
        """Return the columns of a table in order; None for documents. Raise MappingError if the file can't be read."""
        if self.format not in {"csv", "xlsx"}:
            return None
        return self._header(*self._files[0])

    def check_columns(self, columns: list[tuple[str, str]], unnest: str | None) -> None:
        """Raise MappingError if a file lacks a column that the mapping reads. No row is staged."""
        if self.format in {"csv", "xlsx"}:
            for label, path in self._files:
                self._check_header(columns, label, self._header(label, path))
            return
        known = self._checked_name()
        # An empty document can't contradict a mapping.
        for column, key in columns if known else []:
            name = column.split(".", 1)[0]
            if name not in known and not (unnest is not None and name in {"item", "item_index"}):
                raise self._no_column(key, column, self.label, known)

    def rows(self, reject: RejectHandler) -> Iterator[tuple[int, Row]]:
        """Yield each row with its line, see `locate`. Unreadable rows go to `reject` with the reason.

        Raise MappingError if a whole file can't be read.
        """
        place = self.position
        if self._file.inline is not None:
            for place.row, inline in enumerate(self._file.inline, start=1):
                yield place.row, inline
            return
        first: list[str] | None = None
        self._before = 0
        for index, (label, path) in enumerate(self._files):
            place.file, place.row = label, 0
            offset = index << _FILE_SHIFT

            def refuse(line: int, reason: str, row: Any, offset: int = offset) -> None:
                place.row += 1
                reject(offset + line, reason, row)

            with self._stream(label, path) as stream:
                if self.format in {"csv", "xlsx"}:
                    table = self._table(stream, label)
                    first = first or table.header
                    rows = _reordered(table.rows(refuse), first, table.header)
                else:
                    rows = self._documents(stream, label, refuse)
                for line, row in rows:
                    place.row += 1
                    yield offset + line, row
            self._before += path.stat().st_size

    def locate(self, line: int) -> tuple[str, int]:
        """Return the file of a row's line, and the line in that file."""
        if not self._files:
            return self.label, line
        return self._files[line >> _FILE_SHIFT][0], line & ((1 << _FILE_SHIFT) - 1)

    def relocate_lines(self, reason: str) -> str:
        """Return a reason in which line numbers are replaced by files and their lines."""
        if len(self._files) < 2:
            return reason
        return _LINE.sub(lambda match: "on line {1} of {0}".format(*self.locate(int(match.group(1)))), reason)

    @property
    def bytes_read(self) -> int:
        """The number of bytes of the files that were read so far."""
        reading = self._raw.tell() if self._raw is not None and not self._raw.closed else None
        return self._before + reading if reading is not None else self.size or 0

    def _header(self, label: str, path: Path) -> list[str]:
        with self._stream(label, path) as stream:
            return self._table(stream, label).header

    def _table(self, stream: IO[bytes], label: str) -> "CsvRows | SheetRows":
        if self.format == "csv":
            return CsvRows(stream, self._file, label)
        # Imported only for workbooks.
        from datasources.files.formats.workbooks import SheetRows

        return SheetRows(stream, self._file, label)

    def _documents(self, stream: IO[bytes], label: str, reject: RejectHandler) -> Iterator[tuple[int, Row]]:
        if self.format == "jsonl":
            return read_json_lines(stream, self._file.encoding, label, reject)
        read = read_json_rows if self.format == "json" else read_yaml_rows
        return cast(
            "Iterator[tuple[int, Row]]",
            read(decode_document(stream, self._file.encoding, label), self._file.rows, label, reject),
        )

    def _check_header(self, columns: list[tuple[str, str]], label: str, header: list[str]) -> None:
        for column, key in columns:
            name = normalize_column_name(column)
            places = [str(index) for index, known in enumerate(header, start=1) if known == name]
            if not places or not name:
                raise self._no_column(key, column, label, header)
            if len(places) > 1:
                raise MappingError(
                    f"{self._mapping}: {key} reads column {column!r}, which {label} has {len(places)} times (columns"
                    f" {', '.join(places)}); rename one"
                )

    def _no_column(self, key: str, column: str, label: str, known: list[str]) -> MappingError:
        remedy = suggest_names(column, [name for name in known if name])
        if len(known) == 1:
            for sign, written in _DELIMITERS.items():
                if sign in known[0]:
                    remedy = f"; its header is one column: write delimiter: {written}"
        return MappingError(f"{self._mapping}: {key} reads column {column!r}, which {label} does not have{remedy}")

    def _checked_name(self) -> list[str]:
        """Return the columns of a document; none if rows with unknown columns could not be read."""
        names: dict[str, None] = {}
        unread: list[int] = []

        def reject(line: int, _: str, row: Any) -> None:
            if isinstance(row, dict):
                names.update(dict.fromkeys(row))
            else:
                unread.append(line)

        for index, (_, row) in enumerate(self.rows(reject)):
            if isinstance(row, dict):
                names.update(dict.fromkeys(row))
            if self.format == "jsonl" and index >= MAX_PEEKED_ROWS:
                break
        return [] if unread else list(names)

    @contextmanager
    def _stream(self, label: str, path: Path) -> Iterator[IO[bytes]]:
        try:
            self.size = sum(each.stat().st_size for _, each in self._files)
            with path.open("rb") as raw:
                self._raw = raw
                yield cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if path.name.lower().endswith(".gz") else raw
        except (OSError, EOFError, zlib.error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a whole gzip file"
            raise MappingError(
                f"{self._mapping}: {label} can't be read: {reason}; check --data and the path"
            ) from error


def _reordered(rows: Iterator[tuple[int, list[Any]]], first: list[str], header: list[str]) -> Iterator[tuple[int, Row]]:
    """Yield rows with their cells in the order of the first file's columns; a missing column is empty."""
    if header == first:
        return iter(rows)
    places = [header.index(name) if name in header else None for name in first]
    return ((line, [row[place] if place is not None else "" for place in places]) for line, row in rows)
