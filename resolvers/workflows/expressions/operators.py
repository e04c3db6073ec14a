"""Replacements for operators and functions of the CEL library that could be too expensive."""

import operator
from collections.abc import Callable
from typing import Any

import re2  # type: ignore[import-untyped]
from celpy import celtypes
from celpy.evaluation import CELEvalError, base_functions

from resolvers.workflows.expressions.budget import MAX_LIST_LENGTH, MAX_TEXT_LENGTH, Budget
from resolvers.workflows.expressions.errors import InvalidExpression

Function = Callable[..., Any]

# Units in addition to the visit of the node: the library wraps a function for each number that it creates.
_ARITHMETIC = 2
_CONVERSION = 4


def build_functions(budget: Budget) -> dict[str, Function]:
    """Return the library's operators and functions, each charged by the size of its operands. Python's `%` formats
    texts and its `*` repeats lists, so these are restricted to numbers."""
    return base_functions | {
        "_+_": _joined(budget),
        "_-_": _numbers(budget, operator.sub),
        "_*_": _numbers(budget, operator.mul),
        "_%_": _numbers(budget, operator.mod),
        "_/_": _numbers(budget, _divided),
        "_[_]": _part(budget),
        "matches": _matches(budget),
        "contains": _texts(budget, operator.contains),
        "startsWith": _texts(budget, str.startswith),
        "endsWith": _texts(budget, str.endswith),
        "string": _text(budget),
        "int": _converted(budget, celtypes.IntType),
        "double": _converted(budget, celtypes.DoubleType),
        "bool": _converted(budget, celtypes.BoolType),
        "size": _size,
        "_==_": _compared("_==_", operator.eq, budget),
        "_!=_": _compared("_!=_", operator.ne, budget),
        "_<_": _compared("_<_", operator.lt, budget),
        "_<=_": _compared("_<=_", operator.le, budget),
        "_>_": _compared("_>_", operator.gt, budget),
        "_>=_": _compared("_>=_", operator.ge, budget),
        "_in_": _among(budget),
    }


def is_boolean(value: Any) -> bool:
    """Whether the value is a boolean of the library or of Python."""
    return isinstance(value, (bool, celtypes.BoolType))


def boolean_error(value: Any) -> CELEvalError:
    """Return the error for a value that should be a boolean: the value itself if it is an error."""
    return value if isinstance(value, CELEvalError) else CELEvalError("neither true nor false", TypeError, ())


def combine_logical(decisive: bool, left: Any, right: Any) -> Any:
    """Return the result of `||` (True is decisive) or `&&` (False is); each side may be an error."""
    sides = (left, right)
    if any(is_boolean(each) and bool(each) is decisive for each in sides):
        return celtypes.BoolType(decisive)
    undecided = [boolean_error(each) for each in sides if not is_boolean(each)]
    return undecided[0] if undecided else celtypes.BoolType(not decisive)


def _numbers(budget: Budget, of: Callable[[Any, Any], Any]) -> Function:
    def applied(left: Any, right: Any) -> Any:
        if not (_is_number(left) and _is_number(right)):
            raise TypeError("not numbers")
        budget.spend(_ARITHMETIC)
        return of(left, right)

    return applied


def _joined(budget: Budget) -> Function:
    def applied(left: Any, right: Any) -> Any:
        # Charged first, since the operation copies both operands.
        if isinstance(left, str) and isinstance(right, str):
            if len(left) + len(right) > MAX_TEXT_LENGTH:
                raise InvalidExpression(
                    f"it creates a text of more than {MAX_TEXT_LENGTH:,} characters; make it shorter"
                )
            budget.copy(left, right)
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) + len(right) > MAX_LIST_LENGTH:
                raise InvalidExpression(f"it creates a list of more than {MAX_LIST_LENGTH:,} members; make it shorter")
            budget.spend((len(left) + len(right)) // 10)
            return celtypes.ListType([*left, *right])
        else:
            budget.spend(_ARITHMETIC)
        return operator.add(left, right)

    return applied


def _divided(left: Any, right: Any) -> Any:
    if not right:
        raise ZeroDivisionError
    return operator.truediv(left, right)


def _compared(name: str, of: Callable[[Any, Any], Any], budget: Budget) -> Function:
    def applied(left: Any, right: Any) -> Any:
        # JSON has one kind of number: 3 and 3.0 are equal, as in CEL.
        if _is_number(left) and _is_number(right):
            return celtypes.BoolType(of(_number(left), _number(right)))
        _weigh(left, budget)
        _weigh(right, budget)
        return base_functions[name](left, right)

    return applied


def _among(budget: Budget) -> Function:
    def applied(member: Any, container: Any) -> Any:
        if isinstance(container, str):
            raise TypeError("use contains for texts")
        if isinstance(container, celtypes.MapType):
            # The library compares all keys one by one.
            budget.read(member)
            return celtypes.BoolType(member in container)
        _weigh(member, budget)
        _weigh(container, budget)
        return base_functions["_in_"](member, container)

    return applied


def _part(budget: Budget) -> Function:
    def applied(container: Any, key: Any) -> Any:
        if isinstance(container, celtypes.ListType):
            if not isinstance(key, int) or not _is_number(key):
                raise TypeError("not an index")
            if key < 0:
                raise IndexError("before the first")
        elif not isinstance(container, celtypes.MapType):
            raise TypeError("neither a list nor a map")
        budget.read(key)
        return container[key]

    return applied


def _matches(budget: Budget) -> Function:
    def applied(text: Any, pattern: Any) -> Any:
        if not (isinstance(text, str) and isinstance(pattern, str)):
            raise TypeError("not texts")
        try:
            return celtypes.BoolType(budget.matches(str(text), str(pattern)))
        except re2.error as error:
            return CELEvalError("pattern", error.__class__, ())

    return applied


def _texts(budget: Budget, of: Callable[[str, str], bool]) -> Function:
    def applied(text: Any, part: Any) -> Any:
        if not (isinstance(text, str) and isinstance(part, str)):
            raise TypeError("use in for lists")
        budget.read(text, part)
        return celtypes.BoolType(of(str(text), str(part)))

    return applied


def _text(budget: Budget) -> Function:
    def applied(value: Any) -> Any:
        if not (isinstance(value, str) or _is_number(value) or is_boolean(value)):
            raise TypeError("only single values become texts")
        budget.copy(value)
        if is_boolean(value):
            # The library formats booleans as Python does.
            return celtypes.StringType("true" if value else "false")
        return base_functions["string"](value)

    return applied


def _converted(budget: Budget, kind: Callable[[Any], Any]) -> Function:
    def applied(value: Any) -> Any:
        budget.spend(_CONVERSION)
        budget.read(value)
        return kind(value)

    return applied


def _size(value: Any) -> Any:
    if not isinstance(value, (str, celtypes.ListType, celtypes.MapType)):
        raise TypeError("no size")
    return celtypes.IntType(len(value))


def _weigh(value: Any, budget: Budget) -> None:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        budget.spend()
        if isinstance(each, celtypes.ListType):
            budget.spend(len(each))
            waiting += each
        elif isinstance(each, celtypes.MapType):
            budget.spend(len(each))
            waiting += each.values()
        else:
            budget.read(each)


def _is_number(value: Any) -> bool:
    # The library's numbers are subclasses of Python's, and so are its booleans.
    return isinstance(value, (int, float)) and not is_boolean(value)


def _number(value: Any) -> int | float:
    return float(value) if isinstance(value, float) else int(value)
