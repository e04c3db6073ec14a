"""Compiles an operation to a plan, by the types of the schema and the declarations of its fields."""

from collections.abc import Sequence
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet, collect_fields, collect_subfields

from schema.declarations.field_sources import AttributeDeclaration, StreamDeclaration, UseCaseDeclaration
from schema.declarations.fields import DeclaredField
from schema.declarations.node import Node
from schema.execution.executor import STRAWBERRY_DEFINITION_KEY, DeclaredExecutor
from schema.execution.plans.columns import ColumnUse
from schema.execution.plans.irregular import Irregular
from schema.execution.plans.leaves import LeafColumn
from schema.execution.plans.plan import FieldPlan, ListPlan, ObjectPlan, ObjectsPlan, OperationPlan, ValuePlan

TYPENAME = "__typename"


class Compiler:
    """Compiles one operation; the executor has its fragments and the values of its variables."""

    def __init__(self, executor: DeclaredExecutor) -> None:
        self._executor = executor
        # Fields compiled so far.
        self.fields = 0
        self._columns = ColumnUse()

    def compile(self) -> OperationPlan:
        """Return the plan. Irregular for what a plan cannot express."""
        executor = self._executor
        root = executor.schema.query_type
        if executor.operation.operation is not OperationType.QUERY or root is None:
            raise Irregular("no query")
        collected = collect_fields(
            executor.schema, executor.fragments, executor.variable_values, root, executor.operation
        )
        plan = self._object(root, collected.grouped_field_set)
        return OperationPlan(plan, self._columns.unread())

    def _object(self, type_: GraphQLObjectType, grouped: GroupedFieldSet) -> ObjectPlan:
        fields = tuple(self._field(type_, details) for details in grouped.values())
        return ObjectPlan(type_, tuple(grouped), fields)

    def _field(self, parent: GraphQLObjectType, details: FieldDetailsList) -> FieldPlan:
        self.fields += 1
        name = details[0].node.name.value
        if name == TYPENAME:
            return FieldPlan(None, details, None)
        definition = parent.fields.get(name)
        declared = definition.extensions.get(STRAWBERRY_DEFINITION_KEY) if definition else None
        if definition is None or not isinstance(declared, DeclaredField):
            raise Irregular("introspection")
        if isinstance(declared.declaration, StreamDeclaration):
            raise Irregular("subscription")
        declaration = declared.declaration
        get = declaration.column_getter() if isinstance(declaration, AttributeDeclaration) else None
        value = self._value(definition.type, details)
        if isinstance(declaration, UseCaseDeclaration) and declaration.pages is not None:
            self._columns.add(details[0].node, declaration.pages, value)
        return FieldPlan(declared, details, value, get)

    def _value(self, type_: GraphQLOutputType, details: FieldDetailsList) -> ValuePlan:
        is_nullable = not is_non_null_type(type_)
        bare: Any = type_ if is_nullable else type_.of_type  # type: ignore[union-attr]
        if is_leaf_type(bare):
            return LeafColumn(bare, is_nullable=is_nullable)
        if is_list_type(bare):
            return ListPlan(self._value(bare.of_type, details), is_nullable)
        possible = [bare] if is_object_type(bare) else self._possible_types(bare)
        return ObjectsPlan({_python_type(each): self._subfields(each, details) for each in possible}, is_nullable)

    def _possible_types(self, type_: GraphQLOutputType) -> Sequence[GraphQLObjectType]:
        if not isinstance(type_, GraphQLInterfaceType):
            raise Irregular("union")
        possible = self._executor.schema.get_possible_types(type_)
        if any(_python_type(each) is None for each in possible):
            raise Irregular("interface")
        return possible

    def _subfields(self, type_: GraphQLObjectType, details: FieldDetailsList) -> ObjectPlan:
        executor = self._executor
        collected = collect_subfields(
            executor.schema, executor.fragments, executor.variable_values, executor.operation, type_, details
        )
        return self._object(type_, collected.grouped_field_set)


def _python_type(type_: GraphQLObjectType) -> type | None:
    """Return the type of the records of a node; None for other types, of which graphql-core checks no value."""
    origin = type_.extensions[STRAWBERRY_DEFINITION_KEY].origin
    if issubclass(origin, Node):
        record: type = origin.record
        return record
    if type_.is_type_of is not None:
        raise Irregular("type check")
    return None
