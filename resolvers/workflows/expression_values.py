"""The values of expressions: the library's evaluator with a bound on its work, and errors in words without values."""

import math
from collections.abc import Mapping
from typing import Any

from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.evaluation import Activation, CELEvalError, CELUnsupportedError, Evaluator

from resolvers.workflows.bad_expression import BadExpression
from resolvers.workflows.expression_operators import Budget, functions, is_truth, no_truth
from resolvers.workflows.expression_trees import Tree


def value_of(tree: Tree, values: Mapping[str, Any]) -> Any:
    """The value of a checked tree as JSON-able data. BadExpression, in words without values, if it has none."""
    budget = Budget()
    try:
        context = {name: json_to_cel(value) for name, value in values.items()}
        return _plain(_Evaluator(tree, Activation(functions=functions(budget)), budget).evaluate(context), budget)
    except CELEvalError as error:
        raise BadExpression(_reason(error)) from error
    except CELUnsupportedError as error:
        raise BadExpression("it asks for something that is not known here") from error
    except RecursionError as error:
        raise BadExpression("it, or a value that it looks at, is nested too deeply") from error
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise BadExpression("its values do not go together") from error


class _Evaluator(Evaluator):
    """The library's evaluator with a budget, and without the texts that its errors make of whole values: one error's
    text holds those of two others, so `all` over thirty items without an answer would never end."""

    def __init__(self, ast: Tree, activation: Activation, budget: Budget) -> None:
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
            if is_truth(answer):
                if bool(answer) is decisive:
                    return celtypes.BoolType(decisive)
            else:
                undecided = undecided or no_truth(answer)
        return celtypes.BoolType(not decisive) if undecided is None else undecided


def _plain(value: Any, budget: Budget) -> Any:
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
