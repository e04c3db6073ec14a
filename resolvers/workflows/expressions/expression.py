"""Expressions of workflows: the supported language, the references of an expression, and its value.

The language is CEL, the Common Expression Language (https://github.com/google/cel-spec), without messages, bytes,
timestamps and nested comprehensions. `cel-python` parses and evaluates it; it is imported at the first compilation.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from resolvers.workflows.expressions.errors import InvalidExpression as InvalidExpression

# In characters. A condition needs a tenth of it; the parser's time grows with the length.
MAX_EXPRESSION_LENGTH = 1000

# Units of work of one evaluation. One unit is a visit of a node or a value and takes about 5 us; a comprehension of
# five comparisons over 500 items takes 25,000. `bench/expressions.py` measures the most expensive expressions within
# it.
MAX_WORK = 32_000

Path = tuple[str, ...]


class SharedBudget:
    """The shared budget of several evaluations; each may use MAX_WORK at most."""

    __slots__ = ("left",)

    def __init__(self, work: int = MAX_WORK) -> None:
        self.left = work


class Expression:
    """A compiled expression. `paths` are its references from the root, such as ("steps", "drain", "outcome")."""

    __slots__ = ("_tree", "paths", "text")

    def __init__(self, text: str, tree: Any, paths: frozenset[Path]) -> None:
        self.text = text
        self.paths = paths
        self._tree = tree

    def evaluate(self, values: Mapping[str, Any], allowance: SharedBudget | None = None) -> Any:
        """Return the value as JSON-able data; `values` are the roots by name, also JSON-able.

        Raises InvalidExpression if there is none: a missing name, incompatible types, too much work. It may take up to
        1 s of processor time, so call it in a thread (`thread.run_in_thread`).
        """
        from resolvers.workflows.expressions import values as expression_values
        from resolvers.workflows.expressions.budget import Budget

        shared = allowance or SharedBudget()
        budget = Budget(min(MAX_WORK, shared.left))
        try:
            return expression_values.evaluate_tree(self._tree, self._referenced_values(values), budget)
        finally:
            shared.left -= budget.spent

    def _referenced_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        # Only the members that are used: not all inputs of a run must be converted for one of them.
        referenced: dict[str, Any] = {}
        for root in sorted({path[0] for path in self.paths} & values.keys()):
            names = {path[1] if len(path) > 1 else None for path in self.paths if path[0] == root}
            root_value = values[root]
            if None in names or not isinstance(root_value, dict):
                referenced[root] = root_value
            else:
                referenced[root] = {name: root_value[name] for name in root_value if name in names}
        return referenced

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """Compile a text of at most 1,000 characters. Raises InvalidExpression if it is invalid or not allowed."""
    from resolvers.workflows.expressions import syntax_tree as expression_trees

    if not text.strip():
        raise InvalidExpression("it is empty; write an expression, or leave it out")
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise InvalidExpression(f"it has {len(text)} characters; at most {MAX_EXPRESSION_LENGTH} are allowed")
    if not text.isprintable():
        raise InvalidExpression("it contains a line break or an invisible character; write it in one line")
    _read_literals(text)
    tree = expression_trees.parse_tree(text)
    return Expression(text, tree, frozenset(expression_trees.find_paths(tree)))


def _read_literals(text: str) -> None:
    # The parser's regular expression for texts needs time that doubles with each backslash if the closing quote is
    # missing (22 of them: 3 s), so unclosed texts are rejected first. Triple-quoted texts are not supported for the
    # same reason.
    places = iter(enumerate(text))
    before = ""
    for at, character in places:
        if character in "\"'":
            end = _end_of_literal(places, character)
            if end is None:
                raise InvalidExpression(f"the text that starts at character {at + 1} has no closing {character}")
            if text[end + 1 : end + 2] in ("'", '"'):
                raise InvalidExpression(f"two texts are adjacent at character {end + 2}; put an operator between them")
        elif character + before == "//":
            raise InvalidExpression("it contains a comment; use the description of the workflow instead")
        before = character


def _end_of_literal(places: Iterator[tuple[int, str]], quote: str) -> int | None:
    for at, character in places:
        if character == quote:
            return at
        if character == "\\":
            next(places, None)
    return None
