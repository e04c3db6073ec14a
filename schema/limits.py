"""Limits of a document: tokens, depth, aliases, directives, cost; introspection is a permission."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from datasources.call import Spending
from resolvers.context import Asker
from schema.paging import DEFAULT_FIRST
from schema.values import size_of_literals, size_of_variables

# An introspection document has 13 levels of nested types; it is a permission, and exempt from the depth limit.
INTROSPECTION = frozenset({"__schema", "__type"})
MOST_EXPANDED = 20_000
PAGES = frozenset({"nodes", "edges"})


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Bounds of one document; `cost` is in fields, each multiplied by the page sizes around it."""

    depth: int = 16
    aliases: int = 60
    tokens: int = 4_000
    directives: int = 50
    cost: int = 200_000
    # Above it a field refuses by itself, naming its argument; so a larger page counts as one of this size.
    page: int = 500


@dataclass(slots=True)
class _Measured:
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    expanded: int = 0


def check_document(document: DocumentNode, limits: DocumentLimits) -> list[GraphQLError]:
    """What the document exceeds, counted with fragments in place; before validation, whose cost it bounds."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    measured = _Measured()
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            measured.directives += len(definition.directives or ())
            _measure(definition.selection_set, fragments, measured, 1, frozenset())
    errors = []
    for name, value, allowed in (
        ("depth", measured.depth, limits.depth),
        ("aliases", measured.aliases, limits.aliases),
        ("directives", measured.directives, limits.directives),
        ("fields", measured.expanded, MOST_EXPANDED),
        *size_of_literals(document).exceeded(),
    ):
        if value > allowed:
            errors.append(_exceeded(name, value, allowed))
    return errors


def _measure(
    selections: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    measured: _Measured,
    depth: int,
    inside: frozenset[str],
) -> None:
    for node in selections.selections:
        measured.expanded += 1
        if measured.expanded > MOST_EXPANDED:
            return
        measured.directives += len(node.directives or ())
        if isinstance(node, FieldNode):
            if node.name.value in INTROSPECTION:
                continue
            measured.depth = max(measured.depth, depth)
            measured.aliases += node.alias is not None
            if node.selection_set:
                _measure(node.selection_set, fragments, measured, depth + 1, inside)
        elif isinstance(node, InlineFragmentNode):
            _measure(node.selection_set, fragments, measured, depth, inside)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            # A cycle is for validation to refuse.
            if name in fragments and name not in inside:
                _measure(fragments[name].selection_set, fragments, measured, depth, inside | {name})


def check_variables(variables: Mapping[str, Any]) -> list[GraphQLError]:
    """What the variables exceed; before anything that would walk them by recursion."""
    return [
        GraphQLError(
            f"the variables' {name} is over {allowed}",
            extensions={"code": "LIMIT_EXCEEDED", "limit": name, "allowed": allowed},
        )
        for name, _, allowed in size_of_variables(variables).exceeded()
    ]


def check_cost(
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any],
    limits: DocumentLimits,
    principal: Asker,
    spent: Spending | None = None,
) -> list[GraphQLError]:
    """What running the operation would exceed, and whether it asks about the schema without permission. The estimate is
    added to what is `spent`."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    errors = []
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        if operation_name is not None and (definition.name is None or definition.name.value != operation_name):
            continue
        asked = _Asked(fragments, _defaults(definition) | dict(variables), limits.page)
        cost = asked.cost(definition.selection_set)
        if spent is not None:
            spent.cost += cost
        if cost > limits.cost:
            errors.append(_exceeded("cost", cost, limits.cost))
        if asked.introspects and not principal.allows("schema:introspect"):
            errors.append(
                GraphQLError(
                    "asking about the schema needs the permission schema:introspect",
                    extensions={"code": "FORBIDDEN", "permission": "schema:introspect"},
                )
            )
    return errors


class _Asked:
    """The cost of a validated operation with its variables."""

    def __init__(
        self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any], page: int
    ) -> None:
        self.fragments = fragments
        self.variables = variables
        self.page = page
        self.introspects = False
        self._costs: dict[str, int] = {}

    def cost(self, selections: SelectionSetNode) -> int:
        total = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                self.introspects |= node.name.value in INTROSPECTION
                inner = self.cost(node.selection_set) if node.selection_set else 0
                total += 1 + min(self._rows(node), self.page) * inner
            elif isinstance(node, InlineFragmentNode):
                total += self.cost(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in self._costs:
                    self._costs[name] = self.cost(self.fragments[name].selection_set)
                total += self._costs[name]
        return total

    def _rows(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            value = argument.value
            if argument.name.value in {"first", "last"}:
                if isinstance(value, IntValueNode):
                    return max(1, int(value.value))
                if isinstance(value, VariableNode):
                    given = self.variables.get(value.name.value)
                    return max(1, given) if isinstance(given, int) else DEFAULT_FIRST
            if argument.name.value == "ids":
                if isinstance(value, ListValueNode):
                    return max(1, len(value.values))
                if isinstance(value, VariableNode):
                    given = self.variables.get(value.name.value)
                    return max(1, len(given)) if isinstance(given, list) else 1
        return DEFAULT_FIRST if node.selection_set and self._pages(node.selection_set) else 1

    def _pages(self, selections: SelectionSetNode) -> bool:
        """Whether the rows of a connection are selected, here or in a fragment that is spread here."""
        stack, spread = [selections], set()
        while stack:
            for node in stack.pop().selections:
                if isinstance(node, FieldNode):
                    if node.name.value in PAGES:
                        return True
                elif isinstance(node, InlineFragmentNode):
                    stack.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    stack.append(self.fragments[node.name.value].selection_set)
        return False


def _defaults(definition: OperationDefinitionNode) -> dict[str, Any]:
    """The defaults of variables that decide how many rows are asked for: numbers, and lists by their length."""
    found: dict[str, Any] = {}
    for each in definition.variable_definitions or ():
        value = each.default_value
        if isinstance(value, IntValueNode):
            found[each.variable.name.value] = int(value.value)
        elif isinstance(value, ListValueNode):
            found[each.variable.name.value] = list(value.values)
    return found


def _exceeded(name: str, value: int, allowed: int) -> GraphQLError:
    return GraphQLError(
        f"the document's {name} is {value}; at most {allowed} is allowed",
        extensions={"code": "LIMIT_EXCEEDED", "limit": name, "allowed": allowed},
    )
