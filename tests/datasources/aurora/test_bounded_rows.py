"""Rows of a request have a bound in bytes: reading ends there, and the connection goes on."""

from collections.abc import AsyncIterator

import pytest

from datasources.aurora.driver.bounded_rows import BATCH_SIZE, can_be_large
from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceResultTooLarge
from datasources.request import RequestContext, use_request

KILOBYTE = 1_024
TEXTS = "repeat('x', 1024)"
# As text, the document has 9 characters besides the repeated ones.
DOCUMENTS = "jsonb_build_object('a', repeat('x', 1015))"


def statement(rows: int, value: str) -> Statement:
    return Statement("test_rows", "Rows.", f"SELECT {value} AS attributes FROM generate_series(1, {rows})", frozenset())


def value(attributes: object) -> object:
    return attributes


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    opened = Database("main", postgres.url("stackflow"))
    yield opened
    await opened.close()


@pytest.mark.parametrize("column", [TEXTS, DOCUMENTS])
@pytest.mark.parametrize("rows", [1, BATCH_SIZE, BATCH_SIZE + 1, 3 * BATCH_SIZE])
async def test_as_many_bytes_as_allowed_are_read(database: Database, column: str, rows: int) -> None:
    call = RequestContext(row_bytes=rows * KILOBYTE)
    with use_request(call):
        assert len(await database.fetch(statement(rows, column), {}, value)) == rows
    assert (call.row_bytes, call.usage.sql) == (0, 1)


@pytest.mark.parametrize("column", [TEXTS, DOCUMENTS])
async def test_one_byte_more_is_refused_and_the_connection_goes_on(database: Database, column: str) -> None:
    call = RequestContext(row_bytes=40 * KILOBYTE - 1)
    with use_request(call):
        with pytest.raises(SourceResultTooLarge):
            await database.fetch(statement(20_000, column), {}, value)
        call.row_bytes = KILOBYTE
        assert len(await database.fetch(statement(1, column), {}, value)) == 1


async def test_a_call_without_a_bound_reads_all(database: Database) -> None:
    with use_request(RequestContext()):
        assert len(await database.fetch(statement(1_000, DOCUMENTS), {}, value)) == 1_000


def test_which_statements_may_be_large() -> None:
    assert can_be_large("SELECT c.attributes FROM configuration_items c")
    assert not can_be_large("SELECT count(*) FROM configuration_items c")
