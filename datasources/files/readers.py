"""Files as rows with their line numbers: CSV, JSON Lines, JSON and YAML, plain or gzipped, streamed where possible.

CSV and JSON Lines are streamed and take memory of one row. JSON and YAML documents are read whole.
"""

import csv
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from datasources.files.documents import json_rows, yaml_rows
from datasources.files.mapping import DataFile, MappingError, hint
from datasources.files.rejects import OnReject, shortened

# A field may be large; what is too large is refused where its entity's bound is known.
csv.field_size_limit(2**31 - 1)

Row = list[str] | dict[str, Any]
# Rows of JSON Lines looked at before the run, to see whether the mapping's columns exist.
PEEK = 1_000
# Bytes of one line of CSV or JSON Lines, and of one whole document, that are held in memory.
LINE_LIMIT = 64 * 1_048_576
DOCUMENT_LIMIT = 256 * 1_048_576


class Reader:
    """One file of a mapping. `label` is its path as the mapping writes it."""

    def __init__(self, file: DataFile, folder: Path, mapping: str) -> None:
        self._file = file
        self._path = folder / (file.path or "")
        self._mapping = mapping
        self.label = file.path or f"{mapping} (inline)"
        # Bytes of the file, and how far reading is in them; a gzipped file counts as it lies on the disk.
        self.size: int | None = None
        self._raw: IO[bytes] | None = None
        self.format = "inline" if file.inline is not None else file.format or _format_of(self._path, mapping)

    def header(self) -> list[str] | None:
        """The columns of a CSV file in order; None for documents. MappingError if the file can't be read."""
        if self.format != "csv":
            return None
        try:
            with self._open() as stream:
                first = stream.readline().decode(self._encoding)
        except UnicodeDecodeError as error:
            raise MappingError(f"{self.label}: the header is not {self._file.encoding}; give its encoding") from error
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error
        names = next(csv.reader([first], delimiter=self._file.delimiter), [])
        if not names:
            raise MappingError(f"{self.label}: the file is empty; it needs a header line")
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise MappingError(f"{self.label}: the header names {', '.join(sorted(repeated))} twice; rename one")
        return names

    def check(self, columns: list[tuple[str, str]], unnest: str | None) -> None:
        """MappingError when a column that the mapping reads is not in the file; no row is taken in."""
        header = self.header()
        known = header if header is not None else self._known()
        # An empty document can't contradict a mapping.
        for column, key in columns if known else []:
            name = column if header is not None else column.split(".", 1)[0]
            nested = unnest is not None and name in {"item", "item_index"}
            if name not in known and not nested:
                raise MappingError(
                    f"{self._mapping}: {key} reads column {column!r}, which {self.label} does not have"
                    f"{hint(column, known)}"
                )

    def rows(self, reject: OnReject) -> Iterator[tuple[int, Row]]:
        """Each row with the line (from 1) it begins on. Rows that can't be read go to `reject` with the reason.

        MappingError when the file as a whole can't be read.
        """
        if self._file.inline is not None:
            yield from enumerate(self._file.inline, start=1)
            return
        try:
            with self._open() as stream:
                if self.format == "csv":
                    yield from self._csv(stream, reject)
                elif self.format == "jsonl":
                    yield from _json_lines(stream, reject)
                else:
                    read = json_rows if self.format == "json" else yaml_rows
                    yield from read(self._text(stream), self._file.rows, self.label, reject)
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error

    def _csv(self, stream: IO[bytes], reject: OnReject) -> Iterator[tuple[int, list[str]]]:
        bad: dict[int, str] = {}
        reader = csv.reader(_lines(stream, self._encoding, bad), delimiter=self._file.delimiter, strict=True)
        width = len(next(reader, []))
        line = reader.line_num
        while True:
            begin = line + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                line = reader.line_num
                upto = f" to {line}" if line > begin else ""
                reject(begin, f"malformed CSV on line {begin}{upto}: {error}", None)
                continue
            line = reader.line_num
            if bad:
                problems = [bad.pop(number) for number in range(begin, line + 1) if number in bad]
                if problems:
                    reject(begin, problems[0], row)
                    continue
            if len(row) != width:
                if row:
                    reject(begin, f"{len(row)} columns where the header has {width}", row)
                continue
            yield begin, row

    @property
    def _encoding(self) -> str:
        # A byte order mark is no part of the first column's name.
        return (
            "utf-8-sig" if self._file.encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else self._file.encoding
        )

    def _text(self, stream: IO[bytes]) -> str:
        data = stream.read(DOCUMENT_LIMIT + 1)
        if len(data) > DOCUMENT_LIMIT:
            raise MappingError(
                f"{self.label}: above {DOCUMENT_LIMIT:,} bytes; give it as JSON Lines, which is streamed"
            )
        try:
            return data.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise MappingError(
                f"{self.label}: byte {error.start:,} is not {self._file.encoding}; give its encoding"
            ) from error

    def _known(self) -> list[str]:
        names: dict[str, None] = {}
        for index, (_, row) in enumerate(self.rows(lambda *_: None)):
            if isinstance(row, dict):
                names.update(dict.fromkeys(row))
            if self.format == "jsonl" and index >= PEEK:
                break
        return list(names)

    @property
    def position(self) -> int:
        """Bytes of the file that were read so far."""
        return self._raw.tell() if self._raw is not None and not self._raw.closed else self.size or 0

    def _open(self) -> IO[bytes]:
        raw = self._raw = self._path.open("rb")
        self.size = os.fstat(raw.fileno()).st_size
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if self._path.suffix == ".gz" else raw

    def _unreadable(self, error: Exception) -> MappingError:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not a whole gzip file"
        return MappingError(f"{self._mapping}: {self.label} can't be read: {why}; check --data and the path")


def _bounded(stream: IO[bytes]) -> Iterator[bytes]:
    # A line without end, as in a file that is no text, must not fill the memory.
    while line := stream.readline(LINE_LIMIT):
        if len(line) == LINE_LIMIT:
            raise MappingError(f"a line is longer than {LINE_LIMIT:,} bytes; is it the right file and format?")
        yield line


def _lines(stream: IO[bytes], encoding: str, bad: dict[int, str]) -> Iterator[str]:
    first = True
    for number, line in enumerate(_bounded(stream), start=1):
        try:
            yield line.decode(encoding)
        except UnicodeDecodeError as error:
            bad[number] = f"line {number} is not {encoding.removesuffix('-sig')}: {error.reason} at byte {error.start}"
            yield line.decode("utf-8", "surrogateescape")
        if first:
            first, encoding = False, encoding.removesuffix("-sig")


def _json_lines(stream: IO[bytes], reject: OnReject) -> Iterator[tuple[int, dict[str, Any]]]:
    decode = msgspec.json.Decoder().decode
    for number, line in enumerate(_bounded(stream), start=1):
        if not line.strip():
            continue
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            reject(number, f"malformed JSON: {error}", line.decode("utf-8", "backslashreplace").rstrip("\n"))
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            reject(number, f"not a JSON object but {shortened(row)}", row)


def _format_of(path: Path, mapping: str) -> str:
    name = path.name.removesuffix(".gz")
    formats = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".yaml": "yaml", ".yml": "yaml"}
    found = formats.get(Path(name).suffix.lower())
    if found is None:
        raise MappingError(f"{mapping}: the format of {path.name} is not known by its name; give format")
    return found
