"""The cost of an operation, in leaf fields: estimated from page sizes, typical list sizes, and arguments."""

from collections.abc import Callable, Mapping
from functools import cache
from math import ceil
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from schema.declarations.fields import OBJECT_COST, ArgumentSize, DeclaredField, PageSize
from schema.declarations.filters import MAX_CONDITIONS
from schema.declarations.paging import DEFAULT_PAGE_SIZE
from schema.schema import SCHEMA

GRAPHQL_SCHEMA = SCHEMA._schema
STRAWBERRY_DEFINITION_KEY = "strawberry-definition"
# An introspection document has 13 levels of nested types; introspection needs a permission and has its own depth limit.
INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})
# Objects of one filter. A condition needs two, and a third inside a separate `and`, `or` or `not`.
MAX_FILTER_OBJECTS = 3 * MAX_CONDITIONS
# Cost in leaf fields of one object in an argument: each of its fields, given or not, is coerced and converted.
INPUT_OBJECT_COST = 20


class OperationCost:
    """The estimated cost in leaf fields of one operation of a validated document with its variables.

    `fields` is the estimate, `introspects` whether the operation uses introspection, and `filter_objects` the
    number of objects in its largest filter.
    """

    def __init__(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
        page: int,
    ) -> None:
        self.introspects = False
        self.filter_objects = 0
        self._fragments = fragments
        self._defaults = {each.variable.name.value: each.default_value for each in operation.variable_definitions or ()}
        self._variables = variables
        self._page = page
        self._costs: dict[tuple[str, int], float] = {}
        self._values: dict[str, tuple[int, int]] = {}
        root = GRAPHQL_SCHEMA.get_root_type(operation.operation)
        assert root is not None  # noqa: S101
        self.fields = ceil(self._selection_cost(operation.selection_set, root, 1))

    def _selection_cost(self, selections: SelectionSetNode, parent: GraphQLNamedType, page: int) -> float:
        total = 0.0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total += self._field_cost(node, parent, page)
            elif isinstance(node, InlineFragmentNode):
                inner = node.type_condition
                type_ = parent if inner is None else GRAPHQL_SCHEMA.type_map[inner.name.value]
                total += self._selection_cost(node.selection_set, type_, page)
            elif isinstance(node, FragmentSpreadNode):
                key = node.name.value, page
                if key not in self._costs:
                    fragment = self._fragments[node.name.value]
                    type_ = GRAPHQL_SCHEMA.type_map[fragment.type_condition.name.value]
                    self._costs[key] = self._selection_cost(fragment.selection_set, type_, page)
                total += self._costs[key]
        return total

    def _field_cost(self, node: FieldNode, parent: GraphQLNamedType, page: int) -> float:
        name = node.name.value
        self.introspects |= name in INTROSPECTION_FIELDS
        definition = GRAPHQL_SCHEMA.get_field(parent, name)  # type: ignore[arg-type]
        assert definition is not None  # noqa: S101
        if "first" in definition.args:
            page = self._page_size(node, definition)
        inner = 0.0
        if node.selection_set is not None:
            inner = OBJECT_COST + self._selection_cost(node.selection_set, get_named_type(definition.type), page)
        if _is_list(definition):
            inner = self._list_size(node, parent, definition, page) * max(inner, 1.0)
        declared = definition.extensions.get(STRAWBERRY_DEFINITION_KEY)
        own = declared.cost if isinstance(declared, DeclaredField) else 0
        return 1 + own + inner + self._argument_cost(node)

    def _page_size(self, node: FieldNode, definition: GraphQLField) -> int:
        for name in ("first", "last"):
            rows = self._number(_argument(node, name))
            if rows is not None:
                return min(max(rows, 1), self._page)
        default = definition.args["first"].default_value
        return min(default if isinstance(default, int) else DEFAULT_PAGE_SIZE, self._page)

    def _list_size(self, node: FieldNode, parent: GraphQLNamedType, definition: GraphQLField, page: int) -> float:
        declared = definition.extensions.get(STRAWBERRY_DEFINITION_KEY)
        if not isinstance(declared, DeclaredField):
            return _introspection_sizes().get((parent.name, node.name.value), 1.0)
        match declared.size:
            case PageSize():
                return page
            case ArgumentSize(argument):
                return min(self._length(_argument(node, argument)), self._page)
            case size:
                return DEFAULT_PAGE_SIZE if size is None else size

    def _number(self, value: ValueNode | None) -> int | None:
        if isinstance(value, VariableNode):
            name = value.name.value
            variable = self._variables.get(name)
            # GraphQL accepts 500.0 for 500.
            if isinstance(variable, int | float) and not isinstance(variable, bool):
                return int(variable) if abs(variable) < 2**31 else self._page
            value = None if name in self._variables else self._defaults.get(name)
        return int(value.value) if isinstance(value, IntValueNode) else None

    def _length(self, value: ValueNode | None) -> int:
        if isinstance(value, VariableNode):
            variable = self._variables.get(value.name.value)
            if variable is not None:
                return len(variable) if isinstance(variable, list) else 1
            value = self._defaults.get(value.name.value)
        return len(value.values) if isinstance(value, ListValueNode) else 1

    def _argument_cost(self, node: FieldNode) -> int:
        total = 0
        for argument in node.arguments or ():
            values, objects = self._count_literal(argument.value)
            if argument.name.value == "filter":
                self.filter_objects = max(self.filter_objects, objects)
            total += values + objects * INPUT_OBJECT_COST
        return total

    def _count_literal(self, root: ValueNode) -> tuple[int, int]:
        """Return the number of values and of objects below the argument, including those of its variables."""
        values, objects = -1, 0
        stack: list[ValueNode] = [root]
        while stack:
            value = stack.pop()
            values += 1
            if isinstance(value, ObjectValueNode):
                objects += 1
                stack.extend(field.value for field in value.fields)
            elif isinstance(value, ListValueNode):
                stack.extend(value.values)
            elif isinstance(value, VariableNode):
                more, inside = self._count_variable(value.name.value)
                values, objects = values + more, objects + inside
        return values, objects

    def _count_variable(self, name: str) -> tuple[int, int]:
        if name not in self._values:
            default = self._defaults.get(name)
            if name in self._variables:
                self._values[name] = _count_values(self._variables[name])
            else:
                self._values[name] = (0, 0) if default is None else self._count_literal(default)
        return self._values[name]


def _argument(node: FieldNode, name: str) -> ValueNode | None:
    return next((each.value for each in node.arguments or () if each.name.value == name), None)


def _count_values(root: object) -> tuple[int, int]:
    values, objects = -1, 0
    stack = [root]
    while stack:
        value = stack.pop()
        values += 1
        if isinstance(value, dict):
            objects += 1
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return values, objects


def _is_list(definition: GraphQLField) -> bool:
    return is_list_type(definition.type.of_type if is_non_null_type(definition.type) else definition.type)


@cache
def _introspection_sizes() -> Mapping[tuple[str, str], float]:
    """Return the sizes of the lists of introspection: exact for a single list, the mean for many."""
    types = list(GRAPHQL_SCHEMA.type_map.values())
    with_fields = [each for each in types if isinstance(each, GraphQLObjectType | GraphQLInterfaceType)]
    fields = [field for each in with_fields for field in each.fields.values()]
    directives = list(GRAPHQL_SCHEMA.directives)

    def mean(items: list[Any], length: Callable[[Any], int]) -> float:
        return sum(map(length, items)) / len(items)

    def of(kind: type[Any], attribute: str) -> Callable[[Any], int]:
        return lambda each: len(getattr(each, attribute)) if isinstance(each, kind) else 0

    return {
        ("__Schema", "types"): len(types),
        ("__Schema", "directives"): len(directives),
        ("__Type", "fields"): len(fields) / len(types),
        ("__Type", "interfaces"): mean(types, of(GraphQLObjectType, "interfaces")),
        ("__Type", "possibleTypes"): mean(types, _count_possible_types),
        ("__Type", "enumValues"): mean(types, of(GraphQLEnumType, "values")),
        ("__Type", "inputFields"): mean(types, of(GraphQLInputObjectType, "fields")),
        ("__Field", "args"): mean(fields, lambda each: len(each.args)),
        ("__Directive", "args"): mean(directives, lambda each: len(each.args)),
        ("__Directive", "locations"): mean(directives, lambda each: len(each.locations)),
    }


def _count_possible_types(type_: GraphQLNamedType) -> int:
    return len(GRAPHQL_SCHEMA.get_possible_types(type_)) if isinstance(type_, GraphQLInterfaceType) else 0
