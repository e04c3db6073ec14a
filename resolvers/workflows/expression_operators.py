"""The operators and functions of expressions where the library's could cost more than they should, and the budget."""

import operator
from collections.abc import Callable
from typing import Any

import re2  # type: ignore[import-untyped]
from celpy import celtypes
from celpy.evaluation import CELEvalError, base_functions

from resolvers.workflows.bad_expression import BadExpression

# Visits of a node and looks at a value, of one evaluation. A comprehension of five comparisons over 500 items takes
# 20,000 of them, in 0.2 s.
WORK = 50_000

# Bytes of memory for one pattern; RE2 takes time linear in the text.
_PATTERNS = re2.Options()
_PATTERNS.log_errors = False
_PATTERNS.max_mem = 1 << 20


class Budget:
    """The work that an evaluation may still do. BadExpression when it is spent."""

    def __init__(self) -> None:
        self._left = WORK

    def spend(self, amount: int = 1) -> None:
        """So much was done."""
        self._left -= amount
        if self._left < 0:
            raise BadExpression("it takes too much work; look at fewer items, or at less of each")


def functions(budget: Budget) -> dict[str, Callable[..., Any]]:
    """The library's operators where they could take more than they should: Python's `%` formats texts and `*` repeats
    lists, and to compare two lists of items looks at everything in them."""
    return {
        "_&&_": _decided(False),
        "_||_": _decided(True),
        "_+_": _joined(budget),
        "_*_": _numbers(operator.mul),
        "_%_": _numbers(operator.mod),
        "_/_": _numbers(_divided),
        "_[_]": _part,
        "matches": _matches,
        "contains": _contains,
        "string": _text,
        "_==_": _compared("_==_", operator.eq, budget),
        "_!=_": _compared("_!=_", operator.ne, budget),
        "_<_": _compared("_<_", operator.lt, budget),
        "_<=_": _compared("_<=_", operator.le, budget),
        "_>_": _compared("_>_", operator.gt, budget),
        "_>=_": _compared("_>=_", operator.ge, budget),
        "_in_": _among(budget),
    }


def _numbers(of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def applied(left: Any, right: Any) -> Any:
        for each in (left, right):
            if isinstance(each, CELEvalError):
                return each
        if not (_is_number(left) and _is_number(right)):
            raise TypeError("not numbers")
        return of(left, right)

    applied.__name__ = of.__name__
    return applied


def _decided(decisive: bool) -> Callable[[Any, Any], Any]:
    def applied(left: Any, right: Any) -> Any:
        sides = (left, right)
        if any(is_truth(each) and bool(each) is decisive for each in sides):
            return celtypes.BoolType(decisive)
        undecided = [no_truth(each) for each in sides if not is_truth(each)]
        return undecided[0] if undecided else celtypes.BoolType(not decisive)

    return applied


def is_truth(value: Any) -> bool:
    """Whether it is true or false, of the library's kind or of Python's."""
    return isinstance(value, (bool, celtypes.BoolType))


def no_truth(value: Any) -> CELEvalError:
    """Why something that is neither is no answer: the error that it is, or that it is anything else."""
    return value if isinstance(value, CELEvalError) else CELEvalError("neither true nor false", TypeError, ())


def _joined(budget: Budget) -> Callable[[Any, Any], Any]:
    def applied(left: Any, right: Any) -> Any:
        value = operator.add(left, right)
        if isinstance(value, (str, list)):
            # Each join copies what it joins; texts faster than lists.
            budget.spend(len(value) // (100 if isinstance(value, str) else 1))
        return value

    applied.__name__ = "add"
    return applied


def _divided(left: Any, right: Any) -> Any:
    if not right:
        raise ZeroDivisionError
    return operator.truediv(left, right)


def _compared(name: str, of: Callable[[Any, Any], Any], budget: Budget) -> Callable[[Any, Any], Any]:
    def applied(left: Any, right: Any) -> Any:
        # JSON has one kind of number: 3 and 3.0 are the same, as CEL says they are.
        if _is_number(left) and _is_number(right):
            return celtypes.BoolType(of(_number(left), _number(right)))
        _weigh(left, budget)
        _weigh(right, budget)
        return base_functions[name](left, right)

    applied.__name__ = name
    return applied


def _among(budget: Budget) -> Callable[[Any, Any], Any]:
    def applied(wanted: Any, container: Any) -> Any:
        if isinstance(container, str):
            raise TypeError("a text is asked with contains")
        _weigh(wanted, budget)
        if not isinstance(container, celtypes.MapType):
            _weigh(container, budget)
        return base_functions["_in_"](wanted, container)

    applied.__name__ = "_in_"
    return applied


def _part(container: Any, key: Any) -> Any:
    for each in (container, key):
        if isinstance(each, CELEvalError):
            return each
    if isinstance(container, celtypes.ListType):
        if not isinstance(key, int) or not _is_number(key):
            raise TypeError("not a place")
        if key < 0:
            raise IndexError("before the first")
    elif not isinstance(container, celtypes.MapType):
        raise TypeError("nothing with parts")
    return container[key]


def _matches(text: Any, pattern: Any) -> Any:
    for each in (text, pattern):
        if isinstance(each, CELEvalError):
            return each
    if not (isinstance(text, str) and isinstance(pattern, str)):
        raise TypeError("not texts")
    try:
        return celtypes.BoolType(re2.compile(str(pattern), _PATTERNS).search(str(text)) is not None)
    except re2.error as error:
        return CELEvalError("pattern", error.__class__, error.args)


def _contains(text: Any, part: Any) -> Any:
    if not (isinstance(text, str) and isinstance(part, str)):
        raise TypeError("a list is asked with in")
    return celtypes.BoolType(str(part) in str(text))


def _text(value: Any) -> Any:
    if not (isinstance(value, str) or _is_number(value) or is_truth(value)):
        raise TypeError("no text of many values")
    return base_functions["string"](value)


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


def _is_number(value: Any) -> bool:
    # The library's numbers are Python's, and its true and false are numbers too.
    return isinstance(value, (int, float)) and not is_truth(value)


def _number(value: Any) -> int | float:
    return float(value) if isinstance(value, float) else int(value)
