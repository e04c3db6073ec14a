"""Rows become records by the names of their columns: their order changes nothing, and another set is refused."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import permutations
from typing import NamedTuple

import pytest

from datasources.aurora.driver.bounded_rows import can_be_large
from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import ColumnMismatch, EnumRecord, KeyedRecord
from datasources.aurora.statements import Statement
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.relationship_types import Impact, RelationshipTypeRecord
from datasources.records.teams import MembershipRole, TeamRecord
from datasources.records.users import MembershipRecord
from datasources.request import RequestContext, use_request

TEAM = TeamRecord(
    id="1", key="net", name="Network", description="Routers", contact="net@example.com", version=3,
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip
COLUMNS = {
    "id": "'1'", "key": "'net'", "name": "'Network'", "description": "'Routers'", "contact": "'net@example.com'",
    "version": "3", "updated_at": "'2026-01-01 00:00:00Z'::timestamptz",
}  # fmt: skip
TYPE = {"key": "'uses'", "label": "'uses'", "inverse_label": "'used by'", "impact": "'REVERSE'", "description": "''"}


class Pair(NamedTuple):
    """Two texts that only their names tell apart."""

    first: str
    second: str = "unknown"


def difference(first: str, second: str) -> str:
    return f"{first} before {second}"


def select(columns: dict[str, str]) -> Statement:
    """A statement with one row of these columns, in their order."""
    text = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    return Statement("one_row", "One row.", f"SELECT {text}", frozenset())


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    opened = Database("main", postgres.url("stackflow"))
    yield opened
    await opened.close()


async def test_columns_in_any_order_are_the_same_record(database: Database) -> None:
    for names in (list(COLUMNS), list(reversed(COLUMNS)), sorted(COLUMNS)):
        assert await database.fetch(select({name: COLUMNS[name] for name in names}), {}, TeamRecord) == [TEAM]


@pytest.mark.parametrize("record", [Pair, difference], ids=["tuple", "function"])
async def test_columns_are_the_parameters_of_any_callable(database: Database, record: Callable[..., object]) -> None:
    values = {"first": "'a'", "second": "'b'"}
    for order in permutations(values):
        found = await database.fetch(select({name: values[name] for name in order}), {}, record)
        assert found == [record("a", "b")]


async def test_a_moved_column_changes_nothing_in_a_transaction_and_in_bounded_rows(database: Database) -> None:
    moved = select(dict(reversed(COLUMNS.items())))
    assert can_be_large(moved.text)
    async with database.transaction() as transaction:
        assert await transaction.fetch(moved, {}, TeamRecord) == [TEAM]
    call = RequestContext(row_bytes=100)
    with use_request(call):
        assert await database.fetch(moved, {}, TeamRecord) == [TEAM]
    assert call.row_bytes == 100 - len("1netNetworkRoutersnet@example.com")


async def test_a_key_is_found_by_its_name_too(database: Database) -> None:
    row = {"lookup_key": "'k'", "keyset_value": "'v'"} | COLUMNS
    for columns in (row, dict(reversed(row.items()))):
        found = await database.fetch(select(columns), {}, KeyedRecord(KeyedRecord(TeamRecord, "keyset_value")))
        assert found == [("k", ("v", TEAM))]


async def test_a_plain_value_with_a_key_is_named_value(database: Database) -> None:
    assert await database.fetch(select({"value": "2", "lookup_key": "'k'"}), {}, KeyedRecord(int)) == [("k", 2)]
    [(key, impact)] = await database.fetch(select({"lookup_key": "'k'", "value": "'NONE'"}), {}, KeyedRecord(Impact))
    assert (key, impact) == ("k", Impact.NONE)
    assert impact is Impact.NONE


async def test_a_plain_value_alone_has_any_name(database: Database) -> None:
    assert await database.fetch(select({"n": "2"}), {}, int) == [2]
    assert await database.fetch(select({"name": "'REVERSE'"}), {}, Impact) == [Impact.REVERSE]


async def test_members_of_enums_are_made_where_they_are_asked_for(database: Database) -> None:
    moved = select(dict(reversed(TYPE.items())))
    [text] = await database.fetch(moved, {}, RelationshipTypeRecord)
    [member] = await database.fetch(moved, {}, EnumRecord(RelationshipTypeRecord))
    assert text == member
    assert (type(text.impact), type(member.impact)) == (str, Impact)
    ids = {"team_id": "'1'", "user_id": "'2'"}
    for column, role in (("'LEAD'", MembershipRole.LEAD), ("NULL::text", None)):
        [membership] = await database.fetch(select({"role": column} | ids), {}, EnumRecord(MembershipRecord))
        assert membership.role is role


REFUSED: dict[str, tuple[dict[str, str], Callable[..., object], str]] = {
    "a missing column": (
        {name: value for name, value in COLUMNS.items() if name != "version"}, TeamRecord,
        "statement one_row has no column version for TeamRecord",
    ),
    "a surplus column": (
        COLUMNS | {"team": "'x'"}, TeamRecord, "statement one_row has a surplus column team for TeamRecord",
    ),
    "a column of another name": (
        {name.replace("version", "revision"): value for name, value in COLUMNS.items()}, TeamRecord,
        "statement one_row has no column version and a surplus column revision for TeamRecord",
    ),
    "a missing column whose field has a default": (
        {"first": "'a'"}, Pair, "statement one_row has no column second for Pair",
    ),
    "a missing key": (COLUMNS, KeyedRecord(TeamRecord), "statement one_row has no column lookup_key for TeamRecord"),
    "a missing column of members": (
        {name: value for name, value in TYPE.items() if name != "impact"}, EnumRecord(RelationshipTypeRecord),
        "statement one_row has no column impact for RelationshipTypeRecord",
    ),
    "a parameter of another name": (
        {"first": "'a'", "last": "'b'"}, difference,
        "statement one_row has no column second and a surplus column last for difference",
    ),
    "two columns for a plain value": (
        {"n": "1", "value": "2"}, int, "statement one_row has a surplus column n for int",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_another_set_of_columns_is_refused_by_name(database: Database, name: str) -> None:
    columns, record, problem = REFUSED[name]
    statement = select(columns)
    # Rows are not needed to notice it.
    for text in (statement.text, f"{statement.text} WHERE false"):
        with pytest.raises(ColumnMismatch) as caught:
            await database.fetch(Statement("one_row", "", text, frozenset()), {}, record)
        assert str(caught.value) == problem


async def test_a_column_that_occurs_twice_is_refused(database: Database) -> None:
    twice = Statement("twice", "", select(COLUMNS).text + ", 'other' AS name", frozenset())
    with pytest.raises(ColumnMismatch, match=r"^statement twice has a surplus column name for TeamRecord$"):
        await database.fetch(twice, {}, TeamRecord)


async def test_a_refused_statement_leaves_nothing_in_its_transaction(database: Database) -> None:
    insert = Statement(
        "insert", "", "INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), 'lost', '') RETURNING id, key",
        frozenset(),
    )  # fmt: skip
    with pytest.raises(ColumnMismatch):
        async with database.transaction() as transaction:
            await transaction.fetch(insert, {}, TeamRecord)
    count = Statement("count", "", "SELECT count(*) FROM teams WHERE key = 'lost'", frozenset())
    assert await database.fetch(count, {}, int) == [0]
