"""Row factories of psycopg: they make records of rows by the names of columns, matched once for each statement."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from inspect import signature
from operator import itemgetter
from typing import Any, Generic, TypeVar, cast, get_args, get_type_hints

from psycopg.rows import BaseRowFactory, RowMaker, no_result

R = TypeVar("R")


class ColumnMismatch(TypeError):
    """The columns of a statement are not the fields of its record."""

    def __init__(self, statement: str, record: Callable[..., object], columns: Sequence[str]) -> None:
        found, fields = Counter(columns), Counter(_fields(record))
        missing, surplus = fields - found, found - fields
        problems = [f"no column {name}" for name in missing] + [
            f"a surplus column {name}" for name in surplus.elements()
        ]
        super().__init__(f"statement {statement} has {' and '.join(problems)} for {_name(record)}")


@dataclass(frozen=True, slots=True)
class KeyedRecord(Generic[R]):
    """Makes a pair of one column, such as the key that the row was read by, and the record of the other columns.

    If the record is a plain value, such as a number, its column is named `value`.
    """

    record: Callable[..., R]
    column: str = "lookup_key"

    def __call__(self, key: Any, *values: Any) -> tuple[Any, R]:
        return key, self.record(*values)


@dataclass(frozen=True, slots=True)
class EnumRecord(Generic[R]):
    """Makes a record with members of enums, for rules that compare them by `is`; otherwise it contains their texts."""

    record: Callable[..., R]

    def __call__(self, *values: Any) -> R:
        enums = _enums(self.record)
        return self.record(*(v if e is None or v is None else e(v) for v, e in zip(values, enums, strict=True)))


def record_row(statement: str, record: Callable[..., R]) -> BaseRowFactory[R]:
    """Return a row factory that calls `record` with the columns named like its parameters, in any order of the columns.

    A plain value, such as a number, has one column of any name. Raise ColumnMismatch when the statement has returned.
    """

    def bind(cursor: Any) -> RowMaker[R]:
        names = tuple(map(cursor.pgresult.fname, range(cursor.pgresult.nfields)))
        return _bind(statement, record, names) if names else no_result

    return bind


@lru_cache(maxsize=1_000)
def _bind(statement: str, record: Callable[..., R], names: tuple[bytes, ...]) -> RowMaker[R]:
    columns, fields = [name.decode() for name in names], _fields(record)
    if columns == fields or (len(columns) == 1 and _is_plain(record)):
        return _make_row(record)
    if sorted(columns) != sorted(fields):
        raise ColumnMismatch(statement, record, columns)
    pick = itemgetter(*map(columns.index, fields))
    return lambda row: record(*pick(row))


def _make_row(record: Callable[..., R]) -> RowMaker[R]:
    """Return what calls `record` with the columns of a row in order, without a call for each key of a page."""
    if isinstance(record, KeyedRecord) and isinstance(record.record, KeyedRecord):
        inner = record.record.record
        # A cast in the function itself would cost a third of it.
        return cast("RowMaker[R]", lambda row: (row[0], (row[1], inner(*row[2:]))))
    return lambda row: record(*row)


def _fields(record: Callable[..., object]) -> list[str]:
    if isinstance(record, KeyedRecord):
        return [record.column, *_fields(record.record)]
    if isinstance(record, EnumRecord):
        return _fields(record.record)
    return ["value"] if _is_plain(record) else list(signature(record).parameters)


def _is_plain(record: object) -> bool:
    return isinstance(record, type) and issubclass(record, str | int | float | bytes)


def _name(record: object) -> str:
    return _name(record.record) if isinstance(record, KeyedRecord | EnumRecord) else getattr(record, "__name__", "")


@cache
def _enums(record: Callable[..., object]) -> list[type[Enum] | None]:
    hints = get_type_hints(record)
    parts = [(hints[name], *get_args(hints[name])) for name in _fields(record)]
    return [next((each for each in some if isinstance(each, type) and issubclass(each, Enum)), None) for some in parts]
