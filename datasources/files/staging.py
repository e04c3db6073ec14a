"""A file as blocks of COPY text: each record with its ordinal, its line and a fresh id; refusals go aside."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from uuid_utils import uuid7

from datasources.files.readers import Reader
from datasources.files.records import Converter
from datasources.files.rejects import Reject, Unusable

# Records in one block given to COPY.
BLOCK = 2_000
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(slots=True)
class Tally:
    """Counts of one section's reading. Every record is staged or refused; a row without records is skipped."""

    records: int = 0
    skipped: int = 0
    refused: int = 0
    unreadable: int = 0

    @property
    def staged(self) -> int:
        """Records that went on to the database."""
        return self.records - self.refused


def staged_blocks(
    reader: Reader, converter: Converter, tally: Tally, refuse: Callable[[Reject], None], *, unreadable: bool
) -> Iterator[bytes]:
    """COPY text in file order, ordinals from 1. Ids grow with the ordinals (UUIDv7 of one process).

    `unreadable` False keeps quiet about rows that can't be read: another section of the same file told them.
    """
    entity = converter.section.entity
    label = reader.label

    def unread(line: int, reason: str, row: Any) -> None:
        if unreadable:
            tally.unreadable += 1
            refuse(Reject(label, line, entity, reason, row))

    ordinal = 0
    block: list[bytes] = []
    selected = converter.selected
    width = len(converter.columns) - 1
    for line, row in reader.rows(unread):
        before = tally.records + tally.skipped
        for part in converter.rows(row):
            if selected is not None and not selected(part):
                tally.skipped += 1
                continue
            for record in converter.records(part):
                tally.records += 1
                try:
                    text = _copy_text(record, width)
                except Unusable as reason:
                    tally.refused += 1
                    refuse(Reject(label, line, entity, str(reason), part, harmless=reason.harmless))
                    continue
                ordinal += 1
                block.append(b"%d\t%d\t%b\t%b\n" % (ordinal, line, str(uuid7()).encode(), text))
        if tally.records + tally.skipped == before:
            # The row holds an empty list.
            tally.skipped += 1
        if len(block) >= BLOCK:
            yield b"".join(block)
            block.clear()
    if block:
        yield b"".join(block)


def _copy_text(record: list[str] | Unusable, tabs: int) -> bytes:
    if isinstance(record, Unusable):
        raise record
    text = "\t".join(record)
    if "\\" in text or "\n" in text or "\r" in text or text.count("\t") != tabs:
        text = "\t".join([value.translate(_ESCAPES) for value in record])
    if "\x00" in text:
        raise Unusable("a NUL character stands in a value; PostgreSQL keeps none")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Unusable("half of a surrogate pair stands in a value; it is not Unicode text") from None
