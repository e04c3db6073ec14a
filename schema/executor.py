"""graphql-core's executor, with a short way for declared fields: arguments once a field node, attributes at once."""

from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor import Executor
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.types.arguments import convert_arguments

from datasources.records.unreadable import UnreadableValue
from resolvers.context import Context
from resolvers.errors import ValueUnreadable
from schema.fields import AttributeDeclaration, DeclaredField, StreamDeclaration, answer
from schema.schema import SCHEMA

DEFINITION = "strawberry-definition"


class DeclaredExecutor(Executor[None]):
    """Executes one operation. Fields that are not declared, such as introspection's, go the ordinary way.

    In a list of a thousand items a field has the same arguments a thousand times: they are coerced and converted
    once. An attribute of a leaf type needs no resolve info, no awaiting and no object: it is read and serialised.
    """

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: None,
    ) -> Any:
        definition = self.schema.get_field(parent_type, field_details_list[0].node.name.value)
        declared = definition.extensions.get(DEFINITION) if definition else None
        if definition is None or not isinstance(declared, DeclaredField):
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        context: Context = self.context_value
        try:
            if declared.needs is not None:
                context.require(declared.needs)
            declaration = declared.declaration
            if isinstance(declaration, AttributeDeclaration):
                result = declaration.get(source)
                leaf = definition.type.of_type if is_non_null_type(definition.type) else definition.type
                if isinstance(result, UnreadableValue):
                    return self._substitute(result, definition, field_details_list, path)
                if result is not None and is_leaf_type(leaf):
                    return self.complete_leaf_value(leaf, result)
            elif isinstance(declaration, StreamDeclaration):
                result = source
            else:
                arguments = self._arguments(definition, declared, field_details_list)
                result = answer(declaration, context, source, arguments)
            nodes = [details.node for details in field_details_list]
            info = self.build_resolve_info(definition, nodes, parent_type, path)
            complete = self.complete_awaitable_value if self.is_awaitable(result) else self.complete_value
            completed = complete(definition.type, field_details_list, info, path, result, position_context)
        except Exception as error:
            # The edge of a field: whatever happened becomes an error of the response and nulls what it must.
            self.handle_field_error(error, definition.type, field_details_list, path)
            return None
        if not self.is_awaitable(completed) or self.is_awaitable(result):
            return completed
        return self._awaited(completed, definition, field_details_list, path)

    def _substitute(
        self, value: UnreadableValue, definition: GraphQLField, field_details_list: FieldDetailsList, path: Path
    ) -> Any:
        # A null would take the row, its list and what holds them away where the field is never null. So the error
        # stands alone there, and the data hold the nearest value of the field's type.
        type_ = definition.type.of_type if is_non_null_type(definition.type) else definition.type
        self.handle_field_error(ValueUnreadable(value.reason), type_, field_details_list, path)
        if not is_non_null_type(definition.type):
            return None
        if is_list_type(type_):
            return []
        return type_.serialize(value.substitute) if is_leaf_type(type_) else value.substitute

    async def _awaited(
        self, completed: Any, definition: GraphQLField, field_details_list: FieldDetailsList, path: Path
    ) -> Any:
        try:
            return await completed
        except Exception as error:
            self.handle_field_error(error, definition.type, field_details_list, path)
            return None

    def _arguments(
        self, definition: GraphQLField, declared: DeclaredField, field_details_list: FieldDetailsList
    ) -> dict[str, Any]:
        if not definition.args:
            return {}
        first = field_details_list[0]
        kept: dict[tuple[int, int], dict[str, Any]] = self.context_value.arguments
        key = (id(first.node), id(definition))
        found = kept.get(key)
        if found is None:
            given = get_argument_values(
                definition, first.node, self.variable_values, first.fragment_variable_values, self.hide_suggestions
            )
            found = convert_arguments(
                given,
                declared.arguments,
                scalar_registry=SCHEMA.schema_converter.scalar_registry,
                config=SCHEMA.config,
            )
            declared.check(found)
            kept[key] = found
        return found
