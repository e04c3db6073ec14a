"""Limits of a document: depth, aliases, directives, fields and cost; introspection needs a permission."""

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

from datasources.config import DocumentLimits
from datasources.request import Usage
from resolvers.context import Caller
from schema.execution.cost import INTROSPECTION_FIELDS, MAX_FILTER_OBJECTS, OperationCost
from schema.execution.value_limits import measure_literals, measure_variables

MAX_EXPANDED_FIELDS = 20_000
# Levels below `__schema` and `__type`, to which the limit of depth does not apply: clients use 14.
MAX_INTROSPECTION_DEPTH = 20
# Pairs of fields of one selection that share a response name, fragments in place. Validation compares each pair (rule
# 'Overlapping Fields Can Be Merged'), at 10 to 30 microseconds.
MAX_FIELD_PAIRS = 10_000


def check_document(document: DocumentNode, limits: DocumentLimits) -> list[GraphQLError]:
    """Return the exceeded limits, counted with expanded fragments. Runs before validation, whose cost it bounds."""
    measured = _DocumentMeasurement(
        {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    )
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            measured.directives += len(definition.directives or ())
            measured.measure(definition.selection_set)
    # Validation rejects an unused fragment, but reads all of it first.
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
        """Add the selections of an operation, or of an unused fragment."""
        self._expand(selections, 1, 0, frozenset())
        if self.expanded <= MAX_EXPANDED_FIELDS:
            self._count_pairs([(selections, frozenset())])

    def _expand(self, selections: SelectionSetNode, depth: int, below: int, inside: frozenset[str]) -> None:
        """Measure selections. `below` is the depth from `__schema` or `__type`, inclusive; 0 elsewhere."""
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
                # Validation rejects cycles.
                if name in self.fragments and name not in inside:
                    self._expand(self.fragments[name].selection_set, depth, below, inside | {name})

    def _count_pairs(self, merged: list[tuple[SelectionSetNode, frozenset[str]]]) -> None:
        """Count the pairs of fields with the same response name, merging selections as validation and execution do.

        Each selection comes with the fragments that contain it.
        """
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
    """Return the exceeded limits of the variables. Runs before any code that traverses them recursively."""
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
    usage: Usage | None = None,
) -> list[GraphQLError]:
    """Return errors if the operation exceeds the limit of cost, or uses introspection without permission.

    The estimate is added to `usage`.
    """
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    errors = []
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        if operation_name is not None and (definition.name is None or definition.name.value != operation_name):
            continue
        cost = OperationCost(definition, fragments, variables, limits.page)
        if usage is not None:
            usage.cost += cost.fields
        for name, value, allowed in (
            ("cost", cost.fields, limits.cost),
            ("number of objects in a filter", cost.filter_objects, MAX_FILTER_OBJECTS),
        ):
            if value > allowed:
                errors.append(_limit_error(name, value, allowed))
        if cost.introspects and not principal.allows("schema:introspect"):
            errors.append(
                GraphQLError(
                    "introspection needs the permission schema:introspect",
                    extensions={"code": "FORBIDDEN", "permission": "schema:introspect"},
                )
            )
    return errors


def _limit_error(name: str, value: int, allowed: int) -> GraphQLError:
    return GraphQLError(
        f"the document's {name} is {value}; at most {allowed} is allowed",
        extensions={"code": "LIMIT_EXCEEDED", "limit": name, "allowed": allowed},
    )
