"""The library's evaluator of expressions with a bound on its work, and without the texts that its errors make.

Each node is charged when it is visited. What visits several nodes or calls a function is our own: the library builds
types of its own while it runs, which takes half of its time, and puts whole values into the texts of its errors. One
error's text holds those of two others, so `all` over thirty items without an answer would never end.
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
    """The value of a checked tree over `values`, the roots by name as values of the library."""

    def __init__(self, tree: Tree, values: Mapping[str, Any], budget: Budget) -> None:
        self._functions = build_functions(budget)
        super().__init__(tree, Activation(functions=self._functions))
        self._values = dict(values)
        self._budget = budget
        self._literals: dict[int, Any] = {}

    def value(self) -> Any:
        """The value; CELEvalError, as a value, where there is none. BadExpression when the budget is spent."""
        return self.visit(self.ast)

    # Both `visit` and `visit_children` of the library come here.
    def _visit_tree(self, tree: Any) -> Any:
        self._budget.spend()
        return getattr(self, tree.data)(tree)

    def ident_value(self, name: str, root_scope: bool = False) -> Any:
        if name in self._values:
            return self._values[name]
        return CELEvalError(f"undeclared reference to '{name}'", KeyError, (name,))

    def literal(self, tree: Any) -> Any:
        found = self._literals.get(id(tree), self)
        if found is self:
            found = self._literals[id(tree)] = super().literal(tree)
        return found

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
        return _whole([self._visit_tree(each) for each in tree.children])

    def mapinits(self, tree: Any) -> Any:
        found = _whole([self._visit_tree(each) for each in tree.children])
        if isinstance(found, CELEvalError):
            return found
        made = celtypes.MapType()
        for key, value in zip(found[0::2], found[1::2], strict=True):
            if key in made:
                return CELEvalError("twice", ValueError, ())
            made[key] = value
        return made

    def member_dot(self, tree: Any) -> Any:
        member, name = self._visit_tree(tree.children[0]), tree.children[1].value
        if isinstance(member, CELEvalError):
            return member
        if not isinstance(member, celtypes.MapType):
            return CELEvalError("nothing with parts", TypeError, ())
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
            return CELEvalError("nothing with members", TypeError, ())
        variable, body = tree.children[2].children
        bound = name_of(variable)
        assert bound is not None  # noqa: S101
        # A comprehension stands in none other, so there is one variable at a time; it may hide a root.
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
    made = celtypes.ListType()
    for each in several:
        value = answer(each)
        if isinstance(value, CELEvalError):
            return value
        made.append(value)
    return made


def _filtered(several: Any, answer: Answer) -> Any:
    made = celtypes.ListType()
    for each in several:
        value = answer(each)
        if isinstance(value, CELEvalError):
            return value
        if value:
            made.append(each)
    return made


def _one(several: Any, answer: Answer) -> Any:
    found = _filtered(several, answer)
    return found if isinstance(found, CELEvalError) else celtypes.BoolType(len(found) == 1)


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


def _whole(values: list[Any]) -> Any:
    for each in values:
        if isinstance(each, CELEvalError):
            return each
    return celtypes.ListType(values)
