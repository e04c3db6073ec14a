"""The executor of graphql-core with a fast path for declared fields."""

import asyncio
import inspect
from collections.abc import Awaitable, Iterable, Iterator
from types import CoroutineType
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import Executor
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path, gather_with_cancel
from strawberry.types.arguments import convert_arguments

from datasources.records.unreadable import UnreadableValue
from resolvers.context import Context
from resolvers.errors import ValueUnreadable
from schema.declarations.field_sources import Arguments, AttributeDeclaration, StreamDeclaration, resolve_field
from schema.declarations.fields import OBJECT_COST, DeclaredField
from schema.execution.budget import ExecutionBudget, ExecutionStopped
from schema.schema import SCHEMA

# Seconds after the deadline. Stores fail at the deadline, field by field; this limit stops all other work.
GRACE_SECONDS = 1.0
STRAWBERRY_DEFINITION_KEY = "strawberry-definition"
NO_ARGUMENTS = Arguments({})


class DeclaredExecutor(Executor[None]):
    """Executes one operation. Fields without a declaration, such as those of introspection, use the base class.

    In a list of a thousand items a field has the same arguments a thousand times: they are coerced and converted only
    once. An attribute of a leaf type is read and serialised without resolve info and without awaiting.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        context: Context = self.context_value
        remaining = context.request.remaining()
        stop_at = None if remaining is None else asyncio.get_running_loop().time() + remaining + GRACE_SECONDS
        self.budget = ExecutionBudget(context.limits.fields, stop_at, context.waves.postpone)
        # Includes coroutines that hold others: if one is closed before it begins, nothing awaits the others.
        self._coroutines: list[CoroutineType[Any, Any, Any]] = []

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Execute as the base class does; a stopped or cancelled execution leaves no coroutine behind."""
        try:
            result = super().execute_operation(serially)
        except BaseException:
            self._close_coroutines()
            raise
        return self._close_on_failure(result) if self.is_awaitable(result) else result

    async def _close_on_failure(self, result: Awaitable[Any]) -> Any:
        try:
            return await result
        except BaseException:
            self._close_coroutines()
            raise

    def track_coroutine(self, value: Any) -> None:
        """Keep a coroutine until the execution has ended, to close it if it was not started."""
        if type(value) is CoroutineType:
            self._coroutines.append(value)

    def _close_coroutines(self) -> None:
        for each in self._coroutines:
            if inspect.getcoroutinestate(each) == inspect.CORO_CREATED:
                each.close()

    def handle_field_error(
        self,
        raw_error: Exception,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        path: Path,
    ) -> None:
        if isinstance(raw_error, ExecutionStopped):
            raise raw_error
        super().handle_field_error(raw_error, return_type, field_details_list, path)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: None,
    ) -> Any:
        self.budget.spend(OBJECT_COST + len(grouped_field_set))
        fields = super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        self.track_coroutine(fields)
        return fields

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Iterable[Any],
        position_context: None,
    ) -> Any:
        """Complete a list as the base class does, but in turns: an incomplete list continues in a later turn."""
        if is_leaf_type(item_type.of_type if is_non_null_type(item_type) else item_type):
            items = list(items)
            self.budget.spend(len(items))
            return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)
        completion = _ListCompletion(self, item_type, field_details_list, info, path, iter(items))
        return completion.complete_rest() if not completion.complete() or completion.pending else completion.results

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: None,
    ) -> Any:
        definition = self.schema.get_field(parent_type, field_details_list[0].node.name.value)
        declared = definition.extensions.get(STRAWBERRY_DEFINITION_KEY) if definition else None
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
                    return self._substitute_unreadable(result, definition, field_details_list, path)
                if result is not None and is_leaf_type(leaf):
                    return self.complete_leaf_value(leaf, result)
            elif isinstance(declaration, StreamDeclaration):
                result = source
            else:
                self.budget.spend(declared.cost)
                arguments = self.coerce_arguments(parent_type, definition, declared, field_details_list)
                called = context.results.get((id(field_details_list[0].node), id(source)))
                result = resolve_field(declaration, context, source, arguments) if called is None else called[2]
            is_awaited = self.is_awaitable(result)
            self.track_coroutine(result)
            nodes = [details.node for details in field_details_list]
            info = self.build_resolve_info(definition, nodes, parent_type, path)
            complete = self.complete_awaitable_value if is_awaited else self.complete_value
            completed = complete(definition.type, field_details_list, info, path, result, position_context)
        except Exception as error:
            # The boundary of a field: any exception becomes an error of the response and null data.
            self.handle_field_error(error, definition.type, field_details_list, path)
            return None
        self.track_coroutine(completed)
        if is_awaited or not self.is_awaitable(completed):
            return completed
        awaited = self._await_field(completed, definition, field_details_list, path)
        self.track_coroutine(awaited)
        return awaited

    def _substitute_unreadable(
        self, value: UnreadableValue, definition: GraphQLField, field_details_list: FieldDetailsList, path: Path
    ) -> Any:
        # For a non-null field, null would remove the row, its list and their parents. So the response has the error,
        # and the data has the nearest value of the type of the field.
        type_ = definition.type.of_type if is_non_null_type(definition.type) else definition.type
        self.handle_field_error(ValueUnreadable(value.reason), type_, field_details_list, path)
        if not is_non_null_type(definition.type):
            return None
        if is_list_type(type_):
            return []
        return type_.serialize(value.substitute) if is_leaf_type(type_) else value.substitute

    async def _await_field(
        self, completed: Any, definition: GraphQLField, field_details_list: FieldDetailsList, path: Path
    ) -> Any:
        try:
            return await completed
        except Exception as error:
            self.handle_field_error(error, definition.type, field_details_list, path)
            return None

    def coerce_arguments(
        self,
        parent_type: GraphQLObjectType,
        definition: GraphQLField,
        declared: DeclaredField,
        field_details_list: FieldDetailsList,
    ) -> Arguments:
        """Return the arguments of a field, converted once for each place in the document and parent type."""
        if not definition.args:
            return NO_ARGUMENTS
        first = field_details_list[0]
        context: Context = self.context_value
        key = (first.node.loc, parent_type.name)
        arguments: Arguments | None = context.arguments.get(key)
        if arguments is None:
            values = get_argument_values(
                definition, first.node, self.variable_values, first.fragment_variable_values, self.hide_suggestions
            )
            arguments = Arguments(
                convert_arguments(
                    values,
                    declared.arguments,
                    scalar_registry=SCHEMA.schema_converter.scalar_registry,
                    config=SCHEMA.config,
                )
            )
            declared.check_arguments(arguments)
            arguments.omitted = context.omitted.get(id(first.node), ())
            context.arguments[key] = arguments
        return arguments


class _ListCompletion:
    """Completes the items of a list in order. `pending` has the indexes in `results` of items to await."""

    __slots__ = ("_details", "_executor", "_info", "_items", "_path", "_type", "is_complete", "pending", "results")

    def __init__(
        self,
        executor: DeclaredExecutor,
        item_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Iterator[Any],
    ) -> None:
        self.results: list[Any] = []
        self.pending: list[int] = []
        self.is_complete = False
        self._executor = executor
        self._type = item_type
        self._details = field_details_list
        self._info = info
        self._path = path
        self._items = items

    def complete(self) -> bool:
        """Complete items until none is left or the turn ends. Return whether none is left."""
        executor, results = self._executor, self.results
        budget = executor.budget
        complete_item = executor.complete_list_item_value
        try:
            while budget.fields < budget.turn_ends:
                try:
                    item = next(self._items)
                except StopIteration:
                    self.is_complete = True
                    break
                index = len(results)
                path = self._path.add_key(index, None)
                if complete_item(item, results, self._type, self._details, self._info, path, None):
                    self.pending.append(index)
                    executor.track_coroutine(results[index])
        except Exception:
            executor.settle_in_background([results[index] for index in self.pending])
            raise
        return self.is_complete

    async def complete_rest(self) -> list[Any]:
        """Complete the rest of the list, in as many turns as needed, and await its pending items."""
        results = self.results
        while not self.is_complete:
            await self._executor.budget.wait_for_turn()
            self.complete()
        if not self.pending:
            return results
        for index, result in zip(
            self.pending, await gather_with_cancel(*(results[index] for index in self.pending)), strict=True
        ):
            results[index] = result
        return results
