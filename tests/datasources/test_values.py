"""The gate of values: what passes is stored and read back equal, and what does not has a phrase."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.values import (
    MAX_DOCUMENT_BYTES,
    MAX_KEY_BYTES,
    MAX_TEXT_BYTES,
    MAX_VALUES,
    Violation,
    document_violation,
    find_violation,
    key_violation,
    read_json,
    text_violation,
    time_violation,
)
from tests.fixtures.json_values import SCALARS, TEXTS, VALUES, alike, nested
from tests.fixtures.profiles import examples

LAW = settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    opened = Database("main", postgres.url("stackflow"), pool_max=1)
    yield opened
    await opened.close()


async def stored(database: Database, statement: str, values: list[Any]) -> list[Any]:
    async with database.connection() as connection:
        cursor = await connection.execute(statement.encode(), (values,))
        return [row[0] for row in await cursor.fetchall()]


@LAW
@given(values=st.lists(VALUES, min_size=1, max_size=20))
async def test_a_document_that_passes_is_read_back_equal(database: Database, values: list[Any]) -> None:
    fit = [value for value in values if document_violation(value) is None]
    texts = [msgspec.json.encode(value).decode() for value in fit]
    found = await stored(database, "SELECT unnest(%s::jsonb[])", texts)
    assert [alike(one, other) for one, other in zip(fit, found, strict=True)] == [True] * len(fit)
    # An answer can carry it.
    assert all(alike(orjson.loads(orjson.dumps(value)), value) for value in found)


@LAW
@given(texts=st.lists(TEXTS, min_size=1, max_size=50))
async def test_a_text_that_passes_is_read_back_equal(database: Database, texts: list[str]) -> None:
    fit = [text for text in texts if text_violation(text) is None]
    assert await stored(database, "SELECT unnest(%s::text[])", fit) == fit
    assert all("\0" in text or any("\ud800" <= c <= "\udfff" for c in text) for text in set(texts) - set(fit))


OFFSETS = st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@LAW
@given(times=st.lists(st.datetimes(timezones=OFFSETS), min_size=1, max_size=50))
async def test_a_time_that_passes_is_read_back_equal_in_utc(database: Database, times: list[datetime]) -> None:
    fit = [time for time in times if time_violation(time) is None]
    found = await stored(database, "SELECT unnest(%s::timestamptz[])", fit)
    assert [(time, time.tzinfo) for time in found] == [(time, UTC) for time in fit]


@pytest.mark.parametrize(
    ("value", "phrase"),
    [
        ({"a": "b\0"}, "has a NUL character; remove it"),
        ({"\0": 1}, "has a NUL character; remove it"),
        (["\ud83d"], "has half of a surrogate pair, which is no character; remove it"),
        ({"a": 2**64}, "has an integer of more than 64 bits; write it as text"),
        ({"a": -(2**63) - 1}, "has an integer of more than 64 bits; write it as text"),
        ([float("nan")], "has a number that is not finite; leave it out or write it as text"),
        (nested(33), "is nested more than 32 levels deep; make it flatter"),
        ([0] * MAX_VALUES, f"has more than {MAX_VALUES:,} values; split it"),
        (["a" * MAX_DOCUMENT_BYTES], "has 1,048,580 bytes; at most 1,048,576 are allowed"),
        ({1: 2}, "has a key that is not text"),
        ([b""], "has a value of the type bytes, which JSON does not know"),
    ],
)  # fmt: skip
def test_what_does_not_pass_has_its_reason(value: Any, phrase: str) -> None:
    assert document_violation(value) == phrase


def test_a_document_at_its_bounds_passes() -> None:
    assert document_violation(nested(32)) is None
    assert document_violation({"a": [2**64 - 1, -(2**63), 1.7976931348623157e308, 5e-324]}) is None
    assert document_violation(["a" * (MAX_DOCUMENT_BYTES - 4)]) is None
    assert document_violation([0] * (MAX_VALUES - 1)) is None


OUTSIDE = "is outside the years 1 to 9999 in UTC; use a time within them"


@pytest.mark.parametrize(
    ("time", "phrase"),
    [
        (datetime(2026, 1, 1), "has no time zone; end it with Z or an offset such as +02:00"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9))), OUTSIDE),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))), OUTSIDE),
        (
            datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-16))),
            "has an offset of 16 hours or more, which no zone has; use UTC",
        ),
    ],
)  # fmt: skip
def test_a_time_that_does_not_pass_has_its_reason(time: datetime, phrase: str) -> None:
    assert time_violation(time) == phrase


class Line(msgspec.Struct):
    first_name: str
    times: tuple[datetime, ...] = ()
    attributes: Any = msgspec.UNSET


@dataclass
class Input:
    in_: list[str]
    line: Line | None = None


def test_a_violation_names_the_field_as_clients_write_it() -> None:
    assert find_violation(Line("ok", (datetime(2026, 1, 1, tzinfo=UTC),), {"a": 1})) is None
    assert find_violation(Line("a\0")) == ("firstName", "has a NUL character; remove it")
    assert find_violation(Input(["a", "\0"]), "filter") == ("filter.in.1", "has a NUL character; remove it")
    found = find_violation(Input([], Line("a", (), [[10**30]])))
    assert found == ("line.attributes.0.0", "has an integer of more than 64 bits; write it as text")
    assert str(Violation("a", "is b")) == "a is b"
    long = "ä" * (MAX_TEXT_BYTES // 2)
    assert find_violation(Line(long)) is None
    assert find_violation(Line(long + "a")) == ("firstName", "has 262,145 bytes; at most 262,144 are allowed")


def test_keys_are_bounded_in_bytes_together() -> None:
    assert key_violation("a" * MAX_KEY_BYTES) is None
    assert key_violation("字" * 500, "字" * 366) is None
    assert key_violation("字" * 500, "字" * 367) == "has 2,601 bytes; at most 2,600 are allowed"


@given(value=st.one_of(SCALARS, VALUES).filter(lambda value: document_violation(value) is None))
def test_a_document_is_read_as_it_is_written(value: Any) -> None:
    assert alike(read_json(msgspec.json.encode(value)), value)


@given(number=st.integers(-(10**400), 10**400))
def test_integers_are_read_exactly_so_that_none_is_changed_in_silence(number: int) -> None:
    try:
        assert read_json(b'{"a": %d}' % number) == {"a": number}
    except orjson.JSONDecodeError:
        assert abs(number) > 10**308


@pytest.mark.parametrize(
    "data", [b"", b"{", b'"\\ud83d"', b"NaN", b"1" * 5_000, b"[" * 5_000 + b"1" * 20 + b"]" * 5_000]
)
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(data)
