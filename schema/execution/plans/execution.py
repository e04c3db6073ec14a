"""Executes a plan level by level: all objects of a level together, each link by one batch."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from itertools import chain, islice
from typing import Any

from datasources.records.unreadable import UnreadableValue
from resolvers.context import Context
from schema.declarations.field_sources import DerivedDeclaration, LinkDeclaration, UseCaseDeclaration
from schema.execution.executor import DeclaredExecutor
from schema.execution.plans.irregular import Irregular
from schema.execution.plans.leaves import LeafColumn
from schema.execution.plans.plan import FieldPlan, ListPlan, ObjectPlan, ObjectsPlan, ValuePlan


class PlanExecution:
    """One execution of a plan; `executor` coerces arguments and has the budget."""

    def __init__(self, executor: DeclaredExecutor) -> None:
        self._executor = executor
        self._context: Context = executor.context_value
        self._budget = executor.budget

    async def execute(self, plan: ObjectPlan) -> dict[str, Any]:
        """Return the data of the response. Any exception means that graphql-core must execute the operation."""
        (data,) = await self._complete_objects(plan, [None])
        return data

    async def _complete_objects(self, plan: ObjectPlan, parents: Sequence[Any]) -> list[dict[str, Any]]:
        self._budget.spend(plan.cost * len(parents))
        columns: list[Any] = []
        pending: dict[int, Awaitable[list[Any]]] = {}
        try:
            for place, field in enumerate(plan.fields):
                column = self._column(plan, field, parents)
                if not isinstance(column, list):
                    pending[place] = column
                columns.append(column)
        finally:
            if len(columns) < len(plan.fields):
                _close(pending.values())
        for place, completed in zip(pending, await _await_all(list(pending.values())), strict=True):
            columns[place] = completed
        if self._budget.fields >= self._budget.turn_ends:
            await self._budget.wait_for_turn()
        if not columns:
            # `@skip` or `@include` left no field; without a column there is no row to make an object of.
            return [{} for _ in parents]
        return [dict(zip(plan.keys, row, strict=True)) for row in zip(*columns, strict=True)]

    def _column(self, plan: ObjectPlan, field: FieldPlan, parents: Sequence[Any]) -> list[Any] | Awaitable[list[Any]]:
        """Return the completed values of a field for all parents, or what returns them."""
        declared = field.declared
        if declared is None or field.value is None:
            return [plan.type.name] * len(parents)
        if declared.needs is not None:
            self._context.require(declared.needs)
        declaration = declared.declaration
        if field.get is not None:
            return self._complete(field.value, list(map(field.get, parents)))
        self._budget.spend(declared.cost * len(parents))
        arguments = self._executor.coerce_arguments(
            plan.type, plan.type.fields[field.details[0].node.name.value], declared, field.details
        )
        if isinstance(declaration, LinkDeclaration):
            return self._load(declaration, field.value, parents, arguments)
        if isinstance(declaration, DerivedDeclaration):
            return self._derive(declaration, field.value, parents)
        assert isinstance(declaration, UseCaseDeclaration)  # noqa: S101
        return self._call(declaration, field, parents, arguments)

    async def _load(
        self, declaration: LinkDeclaration, value: ValuePlan, parents: Sequence[Any], arguments: Any
    ) -> list[Any]:
        keys = list(map(declaration.key, parents))
        distinct = [key for key in dict.fromkeys(keys) if key is not None]
        values: dict[Any, Any] = {}
        if distinct:
            make = declaration.arguments
            loader = self._context.loader(declaration.loader, None if make is None else make(self._context, arguments))
            futures = [loader.load(key) for key in distinct]
            values = dict(zip(distinct, await _await_all(futures), strict=True))
        return await self._completed(value, [values.get(key) for key in keys])

    async def _derive(self, declaration: DerivedDeclaration, value: ValuePlan, parents: Sequence[Any]) -> list[Any]:
        loaded = await _await_all([declaration.load(self._context, parent) for parent in parents])
        return await self._completed(value, list(map(declaration.derive, parents, loaded)))

    async def _call(
        self, declaration: UseCaseDeclaration, field: FieldPlan, parents: Sequence[Any], arguments: Any
    ) -> list[Any]:
        """Call a use case for all parents. Its results are stored, so that it is called once for each in a request."""
        assert field.value is not None  # noqa: S101
        value, node = field.value, field.details[0].node
        results: list[Any] = []
        for parent in parents:
            key = (id(node), id(parent))
            known = self._context.results.get(key)
            if known is None:
                result = declaration.call(self._context, parent, arguments)
                if asyncio.iscoroutine(result):
                    result = asyncio.ensure_future(result)
                    # Retrieved here, so that a result that nobody awaits after an error of another field logs nothing.
                    result.add_done_callback(lambda done: done.cancelled() or done.exception())
                known = self._context.results[key] = (node, parent, result)
            results.append(known[2])
        places = [place for place, result in enumerate(results) if isinstance(result, Awaitable)]
        for place, result in zip(places, await _await_all([results[place] for place in places]), strict=True):
            results[place] = result
        return await self._completed(value, results)

    async def _completed(self, plan: ValuePlan, values: list[Any]) -> list[Any]:
        completed = self._complete(plan, values)
        return completed if isinstance(completed, list) else await completed

    def _complete(self, plan: ValuePlan, values: list[Any]) -> list[Any] | Awaitable[list[Any]]:
        """Return the values of a field as they are in the response, in order, or what returns them."""
        if isinstance(plan, LeafColumn):
            return plan.serialize(values)
        return self._complete_lists(plan, values) if isinstance(plan, ListPlan) else self._complete_nodes(plan, values)

    async def _complete_lists(self, plan: ListPlan, lists: list[Any]) -> list[Any]:
        _check_values(lists, is_nullable=plan.is_nullable)
        if not all(isinstance(each, list | tuple) for each in lists if each is not None):
            raise Irregular("not a list")
        items = list(chain.from_iterable(each for each in lists if each is not None))
        if isinstance(plan.item, LeafColumn):
            self._budget.spend(len(items))
        completed = iter(await self._completed(plan.item, items) if items else ())
        return [None if each is None else list(islice(completed, len(each))) for each in lists]

    async def _complete_nodes(self, plan: ObjectsPlan, values: list[Any]) -> list[Any]:
        types = _check_values(values, is_nullable=plan.is_nullable)
        if len(types) == 1 and type(None) not in types:
            shared = plan.types.get(None) or plan.types.get(next(iter(types)))
            if shared is not None:
                return await self._complete_shared(shared, values)
        places: dict[type | None, list[int]] = {}
        for place, value in enumerate(values):
            if value is not None:
                places.setdefault(None if None in plan.types else type(value), []).append(place)
        if not places.keys() <= plan.types.keys():
            raise Irregular("type")
        completed = [None] * len(values)
        data = await _await_all(
            [
                self._complete_shared(plan.types[type_], [values[place] for place in group])
                for type_, group in places.items()
            ]
        )
        for group, objects in zip(places.values(), data, strict=True):
            for place, each in zip(group, objects, strict=True):
                completed[place] = each
        return completed

    async def _complete_shared(self, plan: ObjectPlan, values: list[Any]) -> list[Any]:
        """Complete an object that several parents share once, if nothing below it can differ in cost."""
        distinct = {id(value): value for value in values} if plan.is_flat else {}
        if not plan.is_flat or len(distinct) == len(values):
            return await self._complete_objects(plan, values)
        self._budget.spend(plan.cost * (len(values) - len(distinct)))
        objects = await self._complete_objects(plan, list(distinct.values()))
        completed = dict(zip(distinct, objects, strict=True))
        return [completed[id(value)] for value in values]


async def _await_all(awaitables: list[Any]) -> list[Any]:
    """Return all results in order, or raise the first exception after all have ended.

    None is cancelled then: a load belongs to the request, and graphql-core uses it again.
    """
    if not awaitables:
        return []
    if len(awaitables) == 1:
        return [await awaitables[0]]
    if all(map(asyncio.isfuture, awaitables)):
        return await _await_futures(awaitables)
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


async def _await_futures(futures: list[asyncio.Future[Any]]) -> list[Any]:
    """As _await_all, without a future for the sum of them."""
    pending = [each for each in futures if not each.done()]
    if pending:
        await asyncio.wait(pending)
    return [each.result() for each in futures]


def _check_values(values: list[Any], *, is_nullable: bool) -> set[type]:
    """Return the types of the values. Irregular for a value that graphql-core must report."""
    types = set(map(type, values))
    if UnreadableValue in types:
        raise Irregular("unreadable value")
    if type(None) in types and not is_nullable:
        raise Irregular("null")
    if any(issubclass(each, BaseException) for each in types):
        raise Irregular("error")
    return types


def _close(values: Iterable[Any]) -> None:
    """Close the coroutines among values, which nobody will await after an error."""
    for each in values:
        if asyncio.iscoroutine(each):
            each.close()
