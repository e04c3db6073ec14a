"""Converts a file to blocks of COPY text: each record with its ordinal, its line and a new id."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from uuid_utils import uuid7

from datasources.files.formats.readers import FileReader
from datasources.files.records import RecordConverter
from datasources.files.rejects import InvalidRow, RejectedRow
from datasources.values import text_violation

# Records in one block of COPY text.
BATCH_SIZE = 2_000
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(slots=True)
class SectionCounts:
    """Counts of one section. Every record is staged or refused; a row without records is skipped."""

    records: int = 0
    skipped: int = 0
    refused: int = 0
    unreadable: int = 0

    @property
    def staged(self) -> int:
        """Records that were sent to the database."""
        return self.records - self.refused


def stage_blocks(
    reader: FileReader,
    converter: RecordConverter,
    tally: SectionCounts,
    refuse: Callable[[RejectedRow], None],
    *,
    unreadable: bool,
) -> Iterator[bytes]:
    """Yield COPY text in file order, ordinals from 1. Ids increase with the ordinals (UUIDv7 of one process).

    With `unreadable` False, unreadable rows are not reported: another section of the same file reported them.
    """
    entity = converter.section.entity

    def unread(line: int, reason: str, row: Any) -> None:
        if unreadable:
            tally.unreadable += 1
            refuse(RejectedRow(*reader.locate(line), entity, reason, row))

    def unfit(line: int, reason: InvalidRow, row: Any) -> None:
        tally.refused += 1
        refuse(RejectedRow(*reader.locate(line), entity, str(reason), row, harmless=reason.harmless))

    ordinal = 0
    block: list[bytes] = []
    selected = converter.is_selected
    for line, row in reader.rows(unread):
        before = tally.records + tally.skipped
        for part in converter.unnest(row):
            try:
                if selected is not None and not selected(part):
                    tally.skipped += 1
                    continue
            except InvalidRow as reason:
                tally.records += 1
                unfit(line, reason, part)
                continue
            for record in converter.convert(part):
                tally.records += 1
                try:
                    text = _copy_text(record, converter.columns)
                except InvalidRow as reason:
                    unfit(line, reason, part)
                    continue
                ordinal += 1
                block.append(b"%d\t%d\t%b\t%b\n" % (ordinal, line, str(uuid7()).encode(), text))
        if tally.records + tally.skipped == before:
            # The row contains an empty list.
            tally.skipped += 1
        if len(block) >= BATCH_SIZE:
            yield b"".join(block)
            block.clear()
    if block:
        yield b"".join(block)


def _copy_text(record: list[str] | InvalidRow, columns: list[str]) -> bytes:
    if isinstance(record, InvalidRow):
        raise record
    text = "\t".join(record)
    if "\\" in text or "\n" in text or "\r" in text or text.count("\t") != len(columns) - 1:
        text = "\t".join([value.translate(_ESCAPES) for value in record])
    if not text_violation(text):
        return text.encode()
    for name, value in zip(columns, record, strict=True):
        if violation := text_violation(value):
            raise InvalidRow(f"{name} {violation}")
    raise AssertionError("a text can't be stored, and each of its fields can")
