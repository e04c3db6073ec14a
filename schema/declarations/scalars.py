"""Scalars of requests and responses: times in UTC."""

import dataclasses
from datetime import UTC, datetime, timedelta

import orjson
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.schema.types.base_scalars import DateTimeDefinition

_NO_OFFSET = timedelta(0)


def serialize_time(time: datetime) -> str:
    """Return the time in UTC, as `2026-01-31T12:00:00+00:00`."""
    return (time if time.tzinfo is UTC or time.utcoffset() == _NO_OFFSET else time.astimezone(UTC)).isoformat()


def serialize_times(times: list[datetime]) -> list[str]:
    """Return the texts of many times as `serialize_time` does, in an eighth of the time."""
    if any(time.tzinfo is not UTC for time in times):
        return list(map(serialize_time, times))
    # orjson writes a time in UTC as isoformat does.
    texts: list[str] = orjson.loads(orjson.dumps(times))
    return texts


def parse_time(value: object) -> object:
    """Return the time of an ISO 8601 text. StrawberryInputCoercionError if it is not one."""
    parse = DateTimeDefinition.parse_value
    assert parse is not None  # noqa: S101
    try:
        return parse(value)
    except OverflowError:
        # 24:00 of the last day is a moment of the year 10000.
        message = f'Value cannot represent a DateTime: "{value}". It is after the year 9999.'
        raise StrawberryInputCoercionError(message) from None


DATE_TIME = dataclasses.replace(DateTimeDefinition, serialize=serialize_time, parse_value=parse_time)
