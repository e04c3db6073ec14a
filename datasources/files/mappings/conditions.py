"""Conditions of a section, which select the rows to read: `present`, `where` and `unless`."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from datasources.files.errors import MappingError
from datasources.files.mapping import Section, condition_groups
from datasources.files.mappings.columns import as_text
from datasources.files.mappings.patterns import Pattern
from datasources.files.mappings.times import compile_time_parser
from datasources.files.mappings.transforms import CompileContext, compile_value
from datasources.files.rejects import InvalidRow, shorten

RowTest = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """The operand of an operator, with its column and its place in the mapping."""

    operand: Any
    column: str
    place: str
    scope: CompileContext


Operator = Callable[[Condition], RowTest]


def compile_selection(section: Section, scope: CompileContext, place: str) -> RowTest | None:
    """Return a test that selects rows; None if all rows are read. The test raises InvalidRow for invalid values.

    Raise MappingError if a condition can't be used.
    """
    tests: list[RowTest] = []
    for name in section.present:
        get = compile_value(name, scope, f"{place}.present")
        tests.append(lambda row, get=get: get(row) is not None)  # type: ignore[misc]
    for name, conditions, wanted in (("where", section.where, True), ("unless", section.unless, False)):
        for test in _tests(conditions, scope, f"{place}.{name}"):
            tests.append(lambda row, test=test, wanted=wanted: test(row) is wanted)  # type: ignore[misc]
    return _all(tests) if tests else None


def _tests(conditions: dict[str, Any], scope: CompileContext, place: str) -> list[RowTest]:
    tests = []
    for key, value in conditions.items():
        where = f"{place}.{key}"
        groups = condition_groups(key, value)
        if groups is not None:
            parts = [_all(_tests(group, scope, where)) for group in groups]
            tests.append(_any(parts) if key == "any" else _all(parts))
        else:
            tests.append(_column(key, value, scope, where))
    return tests


def _column(name: str, value: Any, scope: CompileContext, place: str) -> RowTest:
    read = scope.column(name)
    if not isinstance(value, dict):
        value = {"in": value}
    if not value:
        raise MappingError(f"{place}: the condition is empty; there are {', '.join(OPERATORS)}")
    tests = []
    for operator, operand in value.items():
        if operator not in OPERATORS:
            raise MappingError(f"{place}: {operator!r} is not an operator; there are {', '.join(OPERATORS)}")
        tests.append(OPERATORS[operator](Condition(operand, name, f"{place}.{operator}", scope)))
    return lambda row: all(test(cell) for cell in (read(row),) for test in tests)


def _all(tests: list[RowTest]) -> RowTest:
    return lambda row: all(test(row) for test in tests)


def _any(tests: list[RowTest]) -> RowTest:
    return lambda row: any(test(row) for test in tests)


def _among(wanted: bool) -> Operator:
    def operator(condition: Condition) -> RowTest:
        allowed = {as_text(each) for each in _list(condition.operand)}
        return lambda cell: (as_text(cell) in allowed) is wanted

    return operator


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _empty(condition: Condition) -> RowTest:
    operand = condition.operand
    if not isinstance(operand, bool):
        raise MappingError(f"{condition.place}: write true or false")
    markers = frozenset(condition.scope.mapping.empty) | {""}
    return lambda cell: (cell is None or (isinstance(cell, str) and cell in markers)) is operand


def _matches(condition: Condition) -> RowTest:
    pattern = Pattern(as_text(condition.operand), condition.place)
    return lambda cell: pattern.search(as_text(cell)) is not None


def _text(compare: Callable[[str, str], bool]) -> Operator:
    def operator(condition: Condition) -> RowTest:
        part = as_text(condition.operand)
        return lambda cell: compare(as_text(cell), part)

    return operator


def _number(compare: Callable[[Decimal, Decimal], bool]) -> Operator:
    def operator(condition: Condition) -> RowTest:
        try:
            bound = _decimal(condition.operand, condition.place)
        except InvalidRow as error:
            raise MappingError(f"{error}; for times there are before and after") from error

        def test(cell: Any) -> bool:
            # A comparison with an empty value is never true.
            return as_text(cell).strip() != "" and compare(_decimal(cell, f"column {condition.column}"), bound)

        return test

    return operator


def _decimal(value: Any, what: str) -> Decimal:
    text = as_text(value).strip()
    try:
        number = Decimal(text) if len(text) <= 400 and "_" not in text else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise InvalidRow(f"{what}: {shorten(text)} is not a number")
    return number


def _time(compare: Callable[[str, str], bool]) -> Operator:
    def operator(condition: Condition) -> RowTest:
        mapping = condition.scope.mapping
        try:
            bound = compile_time_parser("iso", mapping.zone, mapping.ambiguous, condition.place)(condition.operand)
        except InvalidRow as error:
            raise MappingError(str(error).removeprefix("column ")) from error
        read = compile_time_parser(mapping.time, mapping.zone, mapping.ambiguous, condition.column)
        return lambda cell: as_text(cell).strip() != "" and compare(read(cell), bound)

    return operator


OPERATORS: dict[str, Operator] = {
    "equals": _among(True),
    "in": _among(True),
    "not": _among(False),
    "not_in": _among(False),
    "empty": _empty,
    "matches": _matches,
    "contains": _text(lambda cell, part: part in cell),
    "starts_with": _text(lambda cell, part: cell.startswith(part)),
    "ends_with": _text(lambda cell, part: cell.endswith(part)),
    "greater": _number(lambda cell, bound: cell > bound),
    "at_least": _number(lambda cell, bound: cell >= bound),
    "less": _number(lambda cell, bound: cell < bound),
    "at_most": _number(lambda cell, bound: cell <= bound),
    "after": _time(lambda cell, bound: cell > bound),
    "before": _time(lambda cell, bound: cell < bound),
}
