"""Transforms: one value from one row, by the words of the mapping."""

from typing import Any

import pytest

from datasources.files.errors import MappingError
from datasources.files.mapping import Mapping, ValueSpec
from datasources.files.mappings.transforms import CompileContext, compile_value
from datasources.files.rejects import InvalidRow

MAPPING = Mapping(source="s", files={}, sections=[], zone="Europe/Amsterdam", time="%Y-%m-%d %H:%M:%S", empty=["-"])


def value(row: dict[str, Any] | list[str], header: list[str] | None = None, **spec: Any) -> Any:
    return compile_value(ValueSpec(**spec), CompileContext(MAPPING, header), "place")(row)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"column": "name"}, "Web One"),
        ({"column": "none"}, None),
        ({"column": "none", "default": "x"}, "x"),
        ({"column": "none", "empty": []}, "-"),
        ({"column": "absent.deep"}, None),
        ({"column": "teams.1"}, "b"),
        ({"column": "teams.9"}, None),
        ({"constant": 7}, 7),
        ({"template": "{name}/{deep.x}"}, "Web One/1"),
        ({"template": "{name}/{none}"}, None),
        ({"first_of": ["none", "name"]}, "Web One"),
        ({"column": "name", "case": "slug"}, "web_one"),
        ({"column": "name", "case": "upper"}, "WEB ONE"),
        ({"column": "name", "match": "^(\\w+)"}, "Web"),
        ({"column": "name", "match": "zzz"}, None),
        ({"column": "name", "match": "zzz", "otherwise": "no"}, "no"),
        ({"column": "list", "split": ","}, ["p", "q"]),
        ({"column": "list", "split": ",", "map": {"p": 1}, "otherwise": 0}, [1, 0]),
        ({"column": "name", "map": {"Web One": "w"}}, "w"),
        ({"column": "number", "as": "integer"}, 12),
        ({"column": "yes", "as": "boolean"}, True),
    ],
)
def test_values(spec: dict[str, Any], expected: Any) -> None:
    row = {"name": "Web One", "none": "-", "deep": {"x": 1}, "teams": ["a", "b"], "list": "p, ,q", "number": "12"}
    renamed = {("as_" if key == "as" else key): item for key, item in spec.items()}
    assert value(row | {"yes": "Yes"}, **renamed) == expected


def test_csv_columns_are_read_by_position() -> None:
    assert value(["1", "2"], ["a", "b"], column="b") == "2"


@pytest.mark.parametrize(
    ("spec", "text", "expected"),
    [
        ({}, "2013-07-01 12:00:00", "2013-07-01T10:00:00+00:00"),
        ({}, "2013-01-01 12:00:00", "2013-01-01T11:00:00+00:00"),
        # The clocks went back: the first pass is summer time.
        ({}, "2013-10-27 02:30:00", "2013-10-27T00:30:00+00:00"),
        ({"ambiguous": "later"}, "2013-10-27 02:30:00", "2013-10-27T01:30:00+00:00"),
        ({"zone": "UTC"}, "2013-10-27 02:30:00", "2013-10-27T02:30:00+00:00"),
        ({"time": "iso"}, "2013-07-01T12:00:00-05:00", "2013-07-01T17:00:00+00:00"),
        ({"time": "unix"}, "1372672800.25", "2013-07-01T10:00:00.250000+00:00"),
        ({"time": "unix_ms"}, "1372672800001", "2013-07-01T10:00:00.001000+00:00"),
    ],
)
def test_times(spec: dict[str, Any], text: str, expected: str) -> None:
    assert value({"t": text}, column="t", as_="time", **spec) == expected


@pytest.mark.parametrize(
    ("spec", "text", "reason"),
    [
        ({"as_": "time"}, "2013-03-31 02:30:00", "does not exist in Europe/Amsterdam: the clocks skipped it"),
        ({"as_": "time", "ambiguous": "reject"}, "2013-10-27 02:30:00", "comes twice in Europe/Amsterdam"),
        ({"as_": "time"}, "2013-13-01 00:00:00", "is not a time of the form %Y-%m-%d %H:%M:%S"),
        ({"as_": "time", "time": "unix"}, "1e40", "is outside the years 1 to 9999 in UTC"),
        ({"as_": "time", "time": "unix"}, "nan", "is not a time of the form unix"),
        ({"as_": "time", "time": "iso"}, "0001-01-01T00:00:00+14:00", "is outside the years 1 to 9999 in UTC"),
        ({"as_": "integer"}, "twelve", "column t: 'twelve' is not integer"),
        ({"as_": "boolean"}, "maybe", "is neither true nor false"),
        ({"map": {"a": "b"}}, "c", "column t: 'c' is not in the value map"),
    ],
)
def test_values_that_cannot_be_used(spec: dict[str, Any], text: str, reason: str) -> None:
    with pytest.raises(InvalidRow) as error:
        value({"t": text}, column="t", **spec)
    assert reason in str(error.value)


def test_a_pattern_that_does_not_compile() -> None:
    with pytest.raises(MappingError, match="place: match is not a pattern"):
        value({}, column="t", match="(")
