"""Convert values to and from the CEL library within a budget; error messages contain no values."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from celpy import celtypes
from celpy.evaluation import CELEvalError, CELUnsupportedError

from resolvers.workflows.expressions.budget import Budget
from resolvers.workflows.expressions.errors import InvalidExpression
from resolvers.workflows.expressions.evaluator import BoundedEvaluator
from resolvers.workflows.expressions.syntax_tree import Tree

# The library's log lines contain values, which readers of the log may not be permitted to see.
logging.getLogger("celpy").setLevel(logging.CRITICAL)


def evaluate_tree(tree: Tree, values: Mapping[str, Any], budget: Budget) -> Any:
    """Return the value of a validated tree as JSON-able data. Raises InvalidExpression if it has none."""
    try:
        context = {name: _to_cel(value, budget) for name, value in values.items()}
        return _from_cel(BoundedEvaluator(tree, context, budget).value(), budget)
    except CELEvalError as error:
        raise InvalidExpression(_reason(error)) from error
    except CELUnsupportedError as error:
        raise InvalidExpression("it uses something that is not supported") from error
    except RecursionError as error:
        raise InvalidExpression("it, or a value that it uses, is nested too deeply") from error
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise InvalidExpression("its values have incompatible types") from error
    finally:
        budget.close()


def _to_cel(value: Any, budget: Budget) -> Any:
    budget.spend()
    match value:
        case None:
            return None
        case bool():
            return celtypes.BoolType(value)
        case float():
            return celtypes.DoubleType(value)
        case int():
            if not -(2**63) <= value < 2**63:
                raise ValueError("a number is out of range")
            # The library's constructor wraps a function for each number.
            return int.__new__(celtypes.IntType, value)
        case str():
            budget.copy(value)
            return celtypes.StringType(value)
        case list() | tuple():
            return celtypes.ListType([_to_cel(each, budget) for each in value])
        case dict():
            budget.spend(len(value))
            return celtypes.MapType({celtypes.StringType(key): _to_cel(each, budget) for key, each in value.items()})
        case _:
            raise TypeError("not JSON")


def _from_cel(value: Any, budget: Budget) -> Any:
    budget.spend()
    match value:
        case None:
            return None
        case celtypes.BoolType() | bool():
            return bool(value)
        case float():
            if not math.isfinite(value):
                raise InvalidExpression("its value is an infinite number or not a number")
            return float(value)
        case int():
            return int(value)
        case celtypes.ListType():
            return [_from_cel(each, budget) for each in value]
        case celtypes.MapType():
            return {_key(key): _from_cel(each, budget) for key, each in value.items()}
        case str():
            budget.copy(value)
            return str(value)
        case CELEvalError():
            raise value
        case _:
            raise InvalidExpression("its value is not data; use a text, a number, true or false, a list or a map")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise InvalidExpression("a map has a key that is not a text")
    return str(key)


def _reason(error: CELEvalError) -> str:
    # The library's message may contain values, which the reader of the reason may not be permitted to see.
    message, kind = str(error.args[0]), error.args[1] if len(error.args) > 1 else None
    if message.startswith(("no such member in mapping", "undeclared reference to")):
        return f"there is no {message.split(chr(39))[1]}"
    if message == "pattern":
        return "a pattern of matches is not valid in RE2; see its syntax"
    reasons: dict[Any, str] = {
        ZeroDivisionError: "it divides by zero",
        IndexError: "a list index is out of range",
        KeyError: "a map does not contain the key",
        ValueError: "a number is out of range, or a text is not a number",
        TypeError: "values of incompatible types, such as a text and a number",
    }
    return reasons.get(kind, "it has no value")
