"""Limits of a document: tokens, depth, aliases, directives, cost; introspection is a permission."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from datasources.request import Usage
from resolvers.context import Caller
from schema.execution.cost import INTROSPECTION_FIELDS, MAX_FILTER_OBJECTS, OperationCost
from schema.execution.value_limits import measure_literals, measure_variables

MAX_EXPANDED_FIELDS = 20_000
# Levels below `__schema` and `__type`, which the limit of depth leaves out: clients ask for 14.
MAX_INTROSPECTION_DEPTH = 20
# Pairs of fields of one selection that share a response name, fragments in place. Validation compares each pair (rule
# 'Overlapping Fields Can Be Merged'), at 10 to 30 microseconds.
MAX_FIELD_PAIRS = 10_000


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Bounds of one document; `cost` is in fields, each multiplied by the lists around it."""

    depth: int = 16
    aliases: int = 60
    tokens: int = 4_000
    directives: int = 50
    cost: int = 150_000
    # Above it a field refuses by itself, naming its argument; so a larger page counts as one of this size.
    page: int = 500


def check_document(document: DocumentNode, limits: DocumentLimits) -> list[GraphQLError]:
    """What the document exceeds, counted with fragments in place; before validation, whose cost it bounds."""
    measured = _DocumentMeasurement(
        {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    )
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            measured.directives += len(definition.directives or ())
            measured.measure(definition.selection_set)
    # Validation refuses a fragment that nothing spreads, and looks at all of it before.
    for name, fragment in measured.fragments.items():
        if name not in measured.spread:
            measured.measure(fragment.selection_set)
    return [
        _limit_error(name, value, allowed)
        for name, value, allowed in (
            ("depth", measured.depth, limits.depth),
            ("depth of introspection", measured.introspection, MAX_INTROSPECTION_DEPTH),
            ("aliases", measured.aliases, limits.aliases),
            ("directives", measured.directives, limits.directives),
            ("fields", measured.expanded, MAX_EXPANDED_FIELDS),
            ("repeated fields", measured.pairs, MAX_FIELD_PAIRS),
            *measure_literals(document).exceeded_limits(),
        )
        if value > allowed
    ]


@dataclass(slots=True)
class _DocumentMeasurement:
    fragments: Mapping[str, FragmentDefinitionNode]
    depth: int = 0
    introspection: int = 0
    aliases: int = 0
    directives: int = 0
    expanded: int = 0
    pairs: int = 0
    spread: set[str] = field(default_factory=set)

    def measure(self, selections: SelectionSetNode) -> None:
        """Add what stands in the selections of an operation, or of a fragment that none spreads."""
        self._expand(selections, 1, 0, frozenset())
        if self.expanded <= MAX_EXPANDED_FIELDS:
            self._count_pairs([(selections, frozenset())])

    def _expand(self, selections: SelectionSetNode, depth: int, below: int, inside: frozenset[str]) -> None:
        """`below` is the depth below `__schema` or `__type`, with it; 0 elsewhere."""
        for node in selections.selections:
            self.expanded += 1
            if self.expanded > MAX_EXPANDED_FIELDS:
                return
            self.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                level = below + 1 if below or node.name.value in INTROSPECTION_FIELDS else 0
                self.introspection = max(self.introspection, level)
                self.depth = self.depth if level else max(self.depth, depth)
                self.aliases += node.alias is not None
                if node.selection_set:
                    self._expand(node.selection_set, depth + 1, level, inside)
            elif isinstance(node, InlineFragmentNode):
                self._expand(node.selection_set, depth, below, inside)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                self.spread.add(name)
                # A cycle is for validation to refuse.
                if name in self.fragments and name not in inside:
                    self._expand(self.fragments[name].selection_set, depth, below, inside | {name})

    def _count_pairs(self, merged: list[tuple[SelectionSetNode, frozenset[str]]]) -> None:
        """Count the pairs of fields with one response name, as validation and execution merge selections. Each
        selection comes with the fragments that it stands in."""
        fields: dict[str, list[tuple[FieldNode, frozenset[str]]]] = {}
        stack, spread = list(merged), set[str]()
        while stack:
            selections, inside = stack.pop()
            for node in selections.selections:
                if isinstance(node, FieldNode):
                    fields.setdefault((node.alias or node.name).value, []).append((node, inside))
                elif isinstance(node, InlineFragmentNode):
                    stack.append((node.selection_set, inside))
                elif isinstance(node, FragmentSpreadNode):
                    name = node.name.value
                    if name in self.fragments and name not in spread and name not in inside:
                        spread.add(name)
                        stack.append((self.fragments[name].selection_set, inside | {name}))
        for nodes in fields.values():
            self.pairs += len(nodes) * (len(nodes) - 1) // 2
            below = [(node.selection_set, inside) for node, inside in nodes if node.selection_set]
            if below and self.pairs <= MAX_FIELD_PAIRS:
                self._count_pairs(below)


def check_variables(variables: Mapping[str, Any]) -> list[GraphQLError]:
    """What the variables exceed; before anything that would walk them by recursion."""
    return [
        GraphQLError(
            f"the variables' {name} is over {allowed}",
            extensions={"code": "LIMIT_EXCEEDED", "limit": name, "allowed": allowed},
        )
        for name, _, allowed in measure_variables(variables).exceeded_limits()
    ]


def check_cost(
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any],
    limits: DocumentLimits,
    principal: Caller,
    spent: Usage | None = None,
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
        cost = OperationCost(definition, fragments, variables, limits.page)
        if spent is not None:
            spent.cost += cost.fields
        for name, value, allowed in (
            ("cost", cost.fields, limits.cost),
            ("number of objects in a filter", cost.filter_objects, MAX_FILTER_OBJECTS),
        ):
            if value > allowed:
                errors.append(_limit_error(name, value, allowed))
        if cost.introspects and not principal.allows("schema:introspect"):
            errors.append(
                GraphQLError(
                    "asking about the schema needs the permission schema:introspect",
                    extensions={"code": "FORBIDDEN", "permission": "schema:introspect"},
                )
            )
    return errors


def _limit_error(name: str, value: int, allowed: int) -> GraphQLError:
    return GraphQLError(
        f"the document's {name} is {value}; at most {allowed} is allowed",
        extensions={"code": "LIMIT_EXCEEDED", "limit": name, "allowed": allowed},
    )
