"""The evaluator of the CEL library with bounded work, and without its error texts.

Each node is charged when it is visited. Nodes that visit several others or call a function are implemented here: the
library creates types at run time, which takes half of its time, and puts whole values into its error texts. Such a text
contains those of two other errors, so `all` over thirty items without a value would never end.
"""

from collections.abc import Callable, Mapping
from typing import Any

from celpy import celtypes
from celpy.evaluation import Activation, CELEvalError, Evaluator
from lark import Token

from resolvers.workflows.expressions.budget import Budget
from resolvers.workflows.expressions.operators import boolean_error, build_functions, combine_logical, is_boolean
from resolvers.workflows.expressions.syntax_tree import COMPREHENSIONS, Tree, name_of

_SIGNS = {
    "addition_add": "_+_", "addition_sub": "_-_",
    "multiplication_mul": "_*_", "multiplication_div": "_/_", "multiplication_mod": "_%_",
    "relation_lt": "_<_", "relation_le": "_<=_", "relation_gt": "_>_", "relation_ge": "_>=_",
    "relation_eq": "_==_", "relation_ne": "_!=_", "relation_in": "_in_",
    "unary_not": "!_", "unary_neg": "-_",
}  # fmt: skip


class BoundedEvaluator(Evaluator):
    """Evaluates a validated tree with `values`, the roots by name as values of the library."""

    def __init__(self, tree: Tree, values: Mapping[str, Any], budget: Budget) -> None:
        self._functions = build_functions(budget)
        super().__init__(tree, Activation(functions=self._functions))
        self._values = dict(values)
        self._budget = budget
        self._literals: dict[int, Any] = {}

    def value(self) -> Any:
        """Return the value, or a CELEvalError if there is none. Raises InvalidExpression when the budget is used up."""
        return self.visit(self.ast)

    # Both `visit` and `visit_children` of the library call this method.
    def _visit_tree(self, tree: Any) -> Any:
        self._budget.spend()
        return getattr(self, tree.data)(tree)

    def ident_value(self, name: str, root_scope: bool = False) -> Any:
        if name in self._values:
            return self._values[name]
        return CELEvalError(f"undeclared reference to '{name}'", KeyError, (name,))

    def literal(self, tree: Any) -> Any:
        value = self._literals.get(id(tree), self)
        if value is self:
            value = self._literals[id(tree)] = super().literal(tree)
        return value

    def _signed(self, tree: Any) -> Any:
        left, right = tree.children
        sides = [self._visit_tree(each) for each in (*left.children, right)]
        return self._applied(self._functions[_SIGNS[left.data]], sides)

    addition = multiplication = relation = unary = _signed

    def conditionalor(self, tree: Any) -> Any:
        return self._either(tree, True)

    def conditionaland(self, tree: Any) -> Any:
        return self._either(tree, False)

    def _either(self, tree: Any, decisive: bool) -> Any:
        left = self._visit_tree(tree.children[0])
        if is_boolean(left) and bool(left) is decisive:
            return left
        return combine_logical(decisive, left, self._visit_tree(tree.children[1]))

    def expr(self, tree: Any) -> Any:
        condition, then, otherwise = tree.children
        chosen = self._visit_tree(condition)
        if not is_boolean(chosen):
            return boolean_error(chosen)
        return self._visit_tree(then if chosen else otherwise)

    def exprlist(self, tree: Any) -> Any:
        return _list_or_error([self._visit_tree(each) for each in tree.children])

    def mapinits(self, tree: Any) -> Any:
        entries = _list_or_error([self._visit_tree(each) for each in tree.children])
        if isinstance(entries, CELEvalError):
            return entries
        mapping = celtypes.MapType()
        for key, value in zip(entries[0::2], entries[1::2], strict=True):
            if key in mapping:
                return CELEvalError("duplicate key", ValueError, ())
            mapping[key] = value
        return mapping

    def member_dot(self, tree: Any) -> Any:
        member, name = self._visit_tree(tree.children[0]), tree.children[1].value
        if isinstance(member, CELEvalError):
            return member
        if not isinstance(member, celtypes.MapType):
            return CELEvalError("not a map", TypeError, ())
        if name not in member:
            return CELEvalError(f"no such member in mapping: '{name}'", KeyError, (name,))
        return member[name]

    def member_index(self, tree: Any) -> Any:
        return self._applied(self._functions["_[_]"], [self._visit_tree(each) for each in tree.children])

    def member_dot_arg(self, tree: Any) -> Any:
        name = str(tree.children[1])
        if name in COMPREHENSIONS:
            return self._comprehension(name, tree)
        receiver = self._visit_tree(tree.children[0])
        arguments = self._visit_tree(tree.children[2]) if len(tree.children) == 3 else []
        if isinstance(arguments, CELEvalError):
            return receiver if isinstance(receiver, CELEvalError) else arguments
        return self._applied(self._functions[name], [receiver, *arguments])

    def function_eval(self, name_token: Token, exprlist: Any = None) -> Any:
        return self._applied(self._functions[name_token.value], exprlist or [])

    def _applied(self, function: Callable[..., Any], values: list[Any]) -> Any:
        for each in values:
            if isinstance(each, CELEvalError):
                return each
        try:
            return function(*values)
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
            kind = ValueError if isinstance(error, OverflowError) else type(error)
            return CELEvalError("no value", kind, ())

    def _comprehension(self, name: str, tree: Any) -> Any:
        several = self._visit_tree(tree.children[0])
        if isinstance(several, CELEvalError):
            return several
        if not isinstance(several, (celtypes.ListType, celtypes.MapType)):
            return CELEvalError("neither a list nor a map", TypeError, ())
        variable, body = tree.children[2].children
        bound = name_of(variable)
        assert bound is not None  # noqa: S101
        # Comprehensions cannot be nested, so there is one variable at a time; it may hide a root.
        before = self._values
        self._values = dict(before)

        def answer(each: Any) -> Any:
            self._budget.spend()
            self._values[bound] = each
            return self._visit_tree(body)

        try:
            return _COMPREHENSIONS[name](several, answer)
        finally:
            self._values = before


Answer = Callable[[Any], Any]


def _mapped(several: Any, answer: Answer) -> Any:
    results = celtypes.ListType()
    for each in several:
        value = answer(each)
        if isinstance(value, CELEvalError):
            return value
        results.append(value)
    return results


def _filtered(several: Any, answer: Answer) -> Any:
    results = celtypes.ListType()
    for each in several:
        value = answer(each)
        if isinstance(value, CELEvalError):
            return value
        if value:
            results.append(each)
    return results


def _one(several: Any, answer: Answer) -> Any:
    results = _filtered(several, answer)
    return results if isinstance(results, CELEvalError) else celtypes.BoolType(len(results) == 1)


def _quantified(decisive: bool) -> Callable[[Any, Answer], Any]:
    def applied(several: Any, answer: Answer) -> Any:
        undecided: CELEvalError | None = None
        for each in several:
            value = answer(each)
            if is_boolean(value):
                if bool(value) is decisive:
                    return celtypes.BoolType(decisive)
            else:
                undecided = undecided or boolean_error(value)
        return celtypes.BoolType(not decisive) if undecided is None else undecided

    return applied


_COMPREHENSIONS: dict[str, Callable[[Any, Answer], Any]] = {
    "all": _quantified(False),
    "exists": _quantified(True),
    "exists_one": _one,
    "filter": _filtered,
    "map": _mapped,
}


def _list_or_error(values: list[Any]) -> Any:
    for each in values:
        if isinstance(each, CELEvalError):
            return each
    return celtypes.ListType(values)
