"""Syntax trees of expressions: parse, flatten, validate, and find references."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from celpy.celparser import CELParseError, CELParser
from celpy.evaluation import celstr
from lark import Token
from lark import Tree as LarkTree

from resolvers.workflows.expressions.errors import InvalidExpression

Tree: TypeAlias = "LarkTree[Token]"
Path: TypeAlias = tuple[str, ...]

# Rules that only express operator precedence: with one child they are replaced by it. CEL's grammar has ten of them
# around every name; without them an evaluation takes a fifth of the time and of the stack.
_WRAPPERS = frozenset({
    "expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary", "member", "primary",
    "paren_expr",
})  # fmt: skip
# Rules that the evaluator expects within a `primary`.
_PRIMARIES = frozenset({"ident", "ident_arg", "list_lit", "map_lit"})

# The number of arguments of each, without the receiver.
METHODS = {"contains": 1, "endsWith": 1, "matches": 1, "startsWith": 1, "size": 0}
FUNCTIONS = {"bool": 1, "double": 1, "int": 1, "size": 1, "string": 1}
COMPREHENSIONS = frozenset({"all", "exists", "exists_one", "filter", "map"})
_UNSUPPORTED = {
    "member_object": "a type with braces creates a message; messages are not supported",
    "dot_ident_arg": "a name starts with a dot; remove the dot",
    "dot_ident": "a name starts with a dot; remove the dot",
}

# Maximum depth of a flat tree. One level takes six Python frames, of which there are a thousand.
MAX_DEPTH = 80


def parse_tree(text: str) -> Tree:
    """Return the flat tree of an expression. Raises InvalidExpression if the text is invalid or not allowed."""
    try:
        tree = CELParser().parse(text)
    except CELParseError as error:
        where = f" at character {error.column}" if error.column and error.column > 0 else " at its end"
        raise InvalidExpression(f"it is not a CEL expression: the error is{where}") from error
    flat = _flatten(tree)
    _Check().visit(flat, frozenset(), 1)
    return flat


def find_paths(tree: Tree) -> set[Path]:
    """Return the references in a flat tree, up to the first computed name; bound variables are not references."""
    return set(_paths(tree, frozenset()))


def _flatten(tree: Tree) -> Tree:
    # Without recursion, since the depth is still unbounded. A parent precedes its children in `order`.
    order: list[Tree] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node.data in _UNSUPPORTED:
            raise InvalidExpression(_UNSUPPORTED[node.data])
        order.append(node)
        waiting += [child for child in node.children if isinstance(child, LarkTree)]
    for node in reversed(order):
        node.children = [_unwrap(child) for child in node.children]
    flat: Tree = _unwrap(tree)
    return flat


def _unwrap(node: Any) -> Any:
    if isinstance(node, LarkTree) and node.data in _WRAPPERS and len(node.children) == 1:
        child = node.children[0]
        if isinstance(child, LarkTree) and not (node.data == "primary" and child.data in _PRIMARIES):
            return child
    return node


class _Check:
    """Validates a tree: names, plain values, operators, and the functions named above are allowed."""

    def visit(self, tree: Tree, bound: frozenset[str], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise InvalidExpression("it is nested too deeply; simplify it")
        match str(tree.data):
            case "literal":
                self._literal(tree)
            case "ident":
                self._name(str(tree.children[0]), bound)
            case "ident_arg":
                self._call(tree, bound, depth)
            case "member_dot_arg":
                self._method(tree, bound, depth)
            case _:
                self._children(tree, bound, depth)

    def _children(self, tree: Tree, bound: frozenset[str], depth: int) -> None:
        for child in tree.children:
            if isinstance(child, LarkTree):
                self.visit(child, bound, depth + 1)

    def _literal(self, tree: Tree) -> None:
        [token] = tree.children
        assert isinstance(token, Token)  # noqa: S101
        if token.type == "BYTES_LIT":
            raise InvalidExpression(f"bytes are not supported: {token}; write a text")
        if token.type in ("STRING_LIT", "MLSTRING_LIT"):
            literal_text(token)

    def _name(self, name: str, bound: frozenset[str]) -> None:
        if name in FUNCTIONS and name not in bound:
            raise InvalidExpression(f"{name} is a function; call it: {name}(...)")

    def _call(self, tree: Tree, bound: frozenset[str], depth: int) -> None:
        name, arguments = str(tree.children[0]), _arguments(tree, 1)
        if name == "has":
            if len(arguments) != 1 or arguments[0].data != "member_dot":
                raise InvalidExpression("the argument of has must be a member, such as has(inputs.service)")
        elif name not in FUNCTIONS:
            raise InvalidExpression(f"there is no function {name}; available: has, {', '.join(sorted(FUNCTIONS))}")
        elif len(arguments) != FUNCTIONS[name]:
            raise InvalidExpression(f"{name} takes one argument, not {len(arguments)}")
        for each in arguments:
            self.visit(each, bound, depth + 1)

    def _method(self, tree: Tree, bound: frozenset[str], depth: int) -> None:
        receiver, name, arguments = tree.children[0], str(tree.children[1]), _arguments(tree, 2)
        assert isinstance(receiver, LarkTree)  # noqa: S101
        self.visit(receiver, bound, depth + 1)
        if name in COMPREHENSIONS:
            # Nested comprehensions multiply their lengths, and the library does not bound the work.
            if bound:
                raise InvalidExpression(f"{name} is nested in another comprehension; put one after the other")
            variable = name_of(arguments[0]) if len(arguments) == 2 else None
            if variable is None:
                raise InvalidExpression(
                    f"{name} takes a name and an expression, such as items.{name}(item, item.name != '')"
                )
            self.visit(arguments[1], frozenset({variable}), depth + 1)
            return
        if name not in METHODS:
            known = ", ".join(sorted(METHODS.keys() | COMPREHENSIONS))
            raise InvalidExpression(f"there is no method {name}(); available: {known}")
        if len(arguments) != METHODS[name]:
            raise InvalidExpression(
                f"{name} takes {'one argument' if METHODS[name] else 'no argument'}, not {len(arguments)}"
            )
        for each in arguments:
            self.visit(each, bound, depth + 1)


def literal_text(token: Token) -> str:
    """Return the value of a literal text. Raises InvalidExpression if it cannot be stored."""
    try:
        text = str(celstr(token))
        text.encode()
    except ValueError as error:
        raise InvalidExpression("an escape in a text is not a character; write the character itself") from error
    if "\0" in text:
        raise InvalidExpression("a text contains a NUL character; remove it")
    return text


def name_of(tree: Tree) -> str | None:
    """Return the name if the tree is a plain name, else None."""
    inner = tree.children[0] if tree.data == "primary" else tree
    return str(inner.children[0]) if isinstance(inner, LarkTree) and inner.data == "ident" else None


def _arguments(tree: Tree, at: int) -> list[Tree]:
    if len(tree.children) <= at:
        return []
    listed = tree.children[at]
    assert isinstance(listed, LarkTree)  # noqa: S101
    return [each for each in listed.children if isinstance(each, LarkTree)]


def _paths(tree: Tree, bound: frozenset[str]) -> Iterator[Path]:
    path, rest = _chain(tree)
    if path and path[0] not in bound:
        yield path
    if path:
        # Expressions in brackets after the first computed name.
        for each in rest:
            yield from _paths(each, bound)
        return
    if tree.data == "member_dot_arg" and str(tree.children[1]) in COMPREHENSIONS:
        receiver = tree.children[0]
        assert isinstance(receiver, LarkTree)  # noqa: S101
        variable, body = _arguments(tree, 2)
        yield from _paths(receiver, bound)
        yield from _paths(body, bound | {str(name_of(variable))})
        return
    for child in tree.children:
        if isinstance(child, LarkTree):
            yield from _paths(child, bound)


def _chain(tree: Tree) -> tuple[Path, list[Tree]]:
    """Return a name with the plain names after it, and the trees in brackets behind them; empty for anything else."""
    after: list[str | Tree] = []
    while tree.data in ("member_dot", "member_index"):
        inner, step = tree.children
        assert isinstance(inner, LarkTree)  # noqa: S101
        after.append(_plain(step))
        tree = inner
    name = name_of(tree)
    if name is None:
        return (), []
    path = [name]
    steps = list(reversed(after))
    for nth, each in enumerate(steps):
        if not isinstance(each, str):
            return tuple(path), [later for later in steps[nth:] if not isinstance(later, str)]
        path.append(each)
    return tuple(path), []


def _plain(step: "Token | Tree") -> "str | Tree":
    if isinstance(step, Token):
        return str(step)
    if step.data == "literal":
        [token] = step.children
        if isinstance(token, Token) and token.type == "STRING_LIT":
            return literal_text(token)
    return step
