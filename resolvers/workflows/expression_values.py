"""The values of expressions: operators that cost no more than they look like, and a bound on the work of one."""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import re2  # type: ignore[import-untyped]
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.evaluation import Activation, CELEvalError, CELUnsupportedError, Evaluator, base_functions

from resolvers.workflows.bad_expression import BadExpression
from resolvers.workflows.expression_trees import Tree

# Visits of a node and looks at a value, of one evaluation. A comprehension of five comparisons over 500 items takes
# 20,000 of them, in 0.2 s.
WORK = 50_000

# Bytes of memory for one pattern; RE2 takes time linear in the text.
_PATTERNS = re2.Options()
_PATTERNS.log_errors = False
_PATTERNS.max_mem = 1 << 20


def value_of(tree: Tree, values: Mapping[str, Any]) -> Any:
    """The value of a checked tree as JSON-able data. BadExpression, in words without values, if it has none."""
    budget = _Budget()
    try:
        context = {name: json_to_cel(value) for name, value in values.items()}
        return _plain(_Evaluator(tree, Activation(functions=_functions(budget)), budget).evaluate(context), budget)
    except CELEvalError as error:
        raise BadExpression(_reason(error)) from error
    except CELUnsupportedError as error:
        raise BadExpression("it asks for something that is not known here") from error
    except RecursionError as error:
        raise BadExpression("it, or a value that it looks at, is nested too deeply") from error
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise BadExpression("its values do not go together") from error


class _Budget:
    """The work that an evaluation may still do."""

    def __init__(self) -> None:
        self._left = WORK

    def spend(self, amount: int = 1) -> None:
        self._left -= amount
        if self._left < 0:
            raise BadExpression("it takes too much work; look at fewer items, or at less of each")


class _Evaluator(Evaluator):
    """The library's evaluator with a budget, and without the texts that its errors make of whole values: one error's
    text holds those of two others, so `all` over thirty items without an answer would never end."""

    def __init__(self, ast: Tree, activation: Activation, budget: _Budget) -> None:
        super().__init__(ast, activation)
        self._budget = budget

    def visit(self, tree: Any) -> Any:
        self._budget.spend()
        return super().visit(tree)

    def sub_evaluator(self, ast: Tree) -> "_Evaluator":
        return _Evaluator(ast, self.activation, self._budget)

    def ident_value(self, name: str, root_scope: bool = False) -> Any:
        try:
            return super().ident_value(name, root_scope)
        except KeyError:
            return CELEvalError(f"undeclared reference to '{name}'", KeyError, (name,))

    def member_dot(self, tree: Any) -> Any:
        member, name = self.visit(tree.children[0]), tree.children[1].value
        if isinstance(member, CELEvalError):
            return member
        if not isinstance(member, celtypes.MapType):
            return CELEvalError("nothing with parts", TypeError, ())
        if name not in member:
            return CELEvalError(f"no such member in mapping: '{name}'", KeyError, (name,))
        return member[name]

    def member_dot_arg(self, tree: Any) -> Any:
        name = tree.children[1].value
        if name not in ("all", "exists"):
            return super().member_dot_arg(tree)
        several = self.visit(tree.children[0])
        if isinstance(several, CELEvalError):
            return several
        holds, decisive = self.build_ss_macro_eval(tree), name == "exists"
        undecided: CELEvalError | None = None
        for each in several:
            answer = holds(each)
            if _is_truth(answer):
                if bool(answer) is decisive:
                    return celtypes.BoolType(decisive)
            else:
                undecided = undecided or _no_truth(answer)
        return celtypes.BoolType(not decisive) if undecided is None else undecided


def _functions(budget: _Budget) -> dict[str, Callable[..., Any]]:
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
        if any(_is_truth(each) and bool(each) is decisive for each in sides):
            return celtypes.BoolType(decisive)
        undecided = [_no_truth(each) for each in sides if not _is_truth(each)]
        return undecided[0] if undecided else celtypes.BoolType(not decisive)

    return applied


def _is_truth(value: Any) -> bool:
    return isinstance(value, (bool, celtypes.BoolType))


def _no_truth(value: Any) -> CELEvalError:
    return value if isinstance(value, CELEvalError) else CELEvalError("neither true nor false", TypeError, ())


def _joined(budget: _Budget) -> Callable[[Any, Any], Any]:
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


def _compared(name: str, of: Callable[[Any, Any], Any], budget: _Budget) -> Callable[[Any, Any], Any]:
    def applied(left: Any, right: Any) -> Any:
        # JSON has one kind of number: 3 and 3.0 are the same, as CEL says they are.
        if _is_number(left) and _is_number(right):
            return celtypes.BoolType(of(_number(left), _number(right)))
        _weigh(left, budget)
        _weigh(right, budget)
        return base_functions[name](left, right)

    applied.__name__ = name
    return applied


def _among(budget: _Budget) -> Callable[[Any, Any], Any]:
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
    if not (isinstance(value, str) or _is_number(value) or _is_truth(value)):
        raise TypeError("no text of many values")
    return base_functions["string"](value)


def _weigh(value: Any, budget: _Budget) -> None:
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
    return isinstance(value, (int, float)) and not _is_truth(value)


def _number(value: Any) -> int | float:
    return float(value) if isinstance(value, float) else int(value)


def _plain(value: Any, budget: _Budget) -> Any:
    budget.spend()
    match value:
        case None:
            return None
        case celtypes.BoolType() | bool():
            return bool(value)
        case float():
            if not math.isfinite(value):
                raise BadExpression("its value is a number without end")
            return float(value)
        case int():
            return int(value)
        case celtypes.ListType():
            return [_plain(each, budget) for each in value]
        case celtypes.MapType():
            return {_key(key): _plain(each, budget) for key, each in value.items()}
        case str():
            return str(value)
        case CELEvalError():
            raise value
        case _:
            raise BadExpression("its value is not data; give a text, a number, true or false, a list or a map")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise BadExpression("a map has a key that is not a text")
    return str(key)


def _reason(error: CELEvalError) -> str:
    # The library's own message may hold values, which the reader of a reason need not be allowed to see.
    message, kind = str(error.args[0]), error.args[1] if len(error.args) > 1 else None
    if message.startswith(("no such member in mapping", "undeclared reference to")):
        return f"there is no {message.split(chr(39))[1]}"
    if message == "pattern":
        return "a pattern of matches is not one of RE2; see its syntax"
    reasons: dict[Any, str] = {
        ZeroDivisionError: "it divides by zero",
        IndexError: "a list has no such place",
        KeyError: "a map has no such key",
        ValueError: "a number is out of range, or a text is not a number",
        TypeError: "values of types that do not go together, such as a text and a number",
    }
    return reasons.get(kind, "it has no value")
