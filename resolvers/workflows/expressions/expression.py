"""Expressions of workflows: what may be written, what an expression refers to, and its value.

The language is CEL, the Common Expression Language (https://github.com/google/cel-spec), without messages, bytes,
times and nested comprehensions. `cel-python` reads and evaluates it; it is imported when the first one is compiled.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from resolvers.workflows.expressions.errors import InvalidExpression as InvalidExpression

# Characters. A condition fits in a tenth of it; the reader's time grows with the length.
MAX_EXPRESSION_LENGTH = 1000

# Units of work of one evaluation. One is a visit of a node or a look at a value and takes some 5 us; a comprehension of
# five comparisons over 500 items takes 25,000. `bench/expressions.py` measures the dearest expressions within it.
MAX_WORK = 32_000

Path = tuple[str, ...]


class SharedBudget:
    """The work that several evaluations may do together; each may do WORK at most."""

    __slots__ = ("left",)

    def __init__(self, work: int = MAX_WORK) -> None:
        self.left = work


class Expression:
    """A compiled expression. `paths` are its references from their root, such as ("steps", "drain", "outcome")."""

    __slots__ = ("_tree", "paths", "text")

    def __init__(self, text: str, tree: Any, paths: frozenset[Path]) -> None:
        self.text = text
        self.paths = paths
        self._tree = tree

    def evaluate(self, values: Mapping[str, Any], allowance: SharedBudget | None = None) -> Any:
        """Its value as JSON-able data, where `values` are the roots by name, themselves JSON-able. BadExpression
        where there is none: a missing name, types that do not go together, too much work. It may take up to 1 s of
        processor time, so call it in a thread of its own (`expression_thread`)."""
        from resolvers.workflows.expressions import values as expression_values
        from resolvers.workflows.expressions.budget import Budget

        shared = allowance or SharedBudget()
        budget = Budget(min(MAX_WORK, shared.left))
        try:
            return expression_values.evaluate_tree(self._tree, self._referenced_values(values), budget)
        finally:
            shared.left -= budget.spent

    def _referenced_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        # Of a root only what is named: all of a run's inputs need not be converted for one of them.
        asked: dict[str, Any] = {}
        for root in sorted({path[0] for path in self.paths} & values.keys()):
            names = {path[1] if len(path) > 1 else None for path in self.paths if path[0] == root}
            whole = values[root]
            if None in names or not isinstance(whole, dict):
                asked[root] = whole
            else:
                asked[root] = {name: whole[name] for name in whole if name in names}
        return asked

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """The expression in a text of at most 1,000 characters. BadExpression if it is none, or one that is not allowed."""
    from resolvers.workflows.expressions import syntax_tree as expression_trees

    if not text.strip():
        raise InvalidExpression("it is empty; write an expression, or leave it out")
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise InvalidExpression(f"it has {len(text)} characters; at most {MAX_EXPRESSION_LENGTH} are allowed")
    if not text.isprintable():
        raise InvalidExpression("it holds a line break or a character that cannot be seen; write it in one line")
    _read_literals(text)
    tree = expression_trees.parse_tree(text)
    return Expression(text, tree, frozenset(expression_trees.find_paths(tree)))


def _read_literals(text: str) -> None:
    # The parser's pattern of a text takes time that doubles with each backslash if the closing quote is missing (22 of
    # them: 3 s), so none is given to it. Its texts in triple quotes are left out for the same reason.
    places = iter(enumerate(text))
    before = ""
    for at, character in places:
        if character in "\"'":
            end = _end_of_literal(places, character)
            if end is None:
                raise InvalidExpression(f"the text that begins at character {at + 1} has no closing {character}")
            if text[end + 1 : end + 2] in ("'", '"'):
                raise InvalidExpression(f"two texts meet at character {end + 2}; put an operator between them")
        elif character + before == "//":
            raise InvalidExpression("it holds a comment; say why in the description of the workflow")
        before = character


def _end_of_literal(places: Iterator[tuple[int, str]], quote: str) -> int | None:
    for at, character in places:
        if character == quote:
            return at
        if character == "\\":
            next(places, None)
    return None
