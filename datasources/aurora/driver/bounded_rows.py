"""Reads rows of a request in batches, so that large documents and texts stop the read before memory is full."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from psycopg import AsyncCursor
from psycopg.rows import RowMaker

from datasources.errors import SourceResultTooLarge
from datasources.request import RequestContext

R = TypeVar("R")

# Bytes of documents and texts in the rows of one request. In memory they take about five times as much.
MAX_ROW_BYTES = 8 * 1_048_576
# Rows that are read together; each may contain a document of MAX_DOCUMENT_BYTES.
BATCH_SIZE = 25
# Columns that contain documents, or texts of any length.
LARGE_COLUMNS = frozenset({"attributes", "body", "description", "resolution", "configuration", "trigger", "inputs"})
# Not those that a statement leaves out: `NULL AS description`.
_LARGE = re.compile(rf"(?<!NULL AS )\b({'|'.join(sorted(LARGE_COLUMNS))})\b")


@lru_cache(maxsize=1_000)
def can_be_large(statement: str) -> bool:
    """Return whether rows of the statement may contain documents or long texts."""
    return _LARGE.search(statement) is not None


async def fetch(
    cursor: AsyncCursor[R], text: bytes, parameters: Mapping[str, object], call: RequestContext, source: str
) -> list[R]:
    """Return the rows of a query. Raise SourceResultTooLarge once the request has read more bytes than allowed."""
    row_factory = cursor.row_factory

    def weigh(cursor: Any) -> RowMaker[R]:
        make = row_factory(cursor)

        def charge(values: Sequence[Any]) -> R:
            charge_row_bytes(call, sum([len(value) for value in values if value.__class__ is str]), source)
            return make(values)

        return charge

    cursor.row_factory = weigh
    return [row async for row in cursor.stream(text, parameters, size=BATCH_SIZE)]


def charge_row_bytes(call: RequestContext, size: int, source: str) -> None:
    """Count bytes that the request has read. Raise SourceResultTooLarge if they exceed its limit."""
    if call.row_bytes is not None:
        call.row_bytes -= size
        if call.row_bytes < 0:
            raise SourceResultTooLarge(source, "the rows of this request have more bytes than it may read")
