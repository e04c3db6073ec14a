"""Declares GraphQL fields: their source, arguments, permission, description, size and cost.

The source is an attribute of the parent record (`attribute`), a loader and the key that it takes from the parent
(`link`), pages of rows (`connection`), the result of a use case (`field`), what is derived from a load (`derived`), or
a stream of events (`stream`). An executor that works level by level reads them from `declared_fields(type)`.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema_directive import Location
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from datasources.values import find_violation
from resolvers.context import Context, LoaderClass
from resolvers.errors import BadUserInput
from resolvers.loading.tables import PagesBy
from schema.declarations.field_sources import (
    Arguments,
    AttributeDeclaration,
    Declaration,
    DerivedDeclaration,
    Getter,
    LinkDeclaration,
    SameNameGetter,
    StreamDeclaration,
    UseCaseDeclaration,
    resolve_field,
)

# Costs in leaf fields, about 4 microseconds each, of an object in addition to its fields, and of a field that is
# awaited. Measured by bench.dearest.
OBJECT_COST = 2
ASYNC_FIELD_COST = 5


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION], description="The permission that this field requires."
)
class Needs:
    """A directive in the SDL that shows clients and reviewers the permission of a field."""

    permission: str


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field: its GraphQL name, type, description and default."""

    name: str
    type: Any
    description: str
    default: Any = UNSET


@dataclass(frozen=True, slots=True)
class PageSize:
    """As many items as `first` or `last` requests, of this field or of the nearest enclosing field with pages."""


@dataclass(frozen=True, slots=True)
class ArgumentSize:
    """As many items as the list in the named argument has."""

    argument: str


PAGE = PageSize()

# The number of items of a list, for the cost estimate. An int is a typical number, for lists without pages.
ListSize = int | PageSize | ArgumentSize


class DeclaredField(StrawberryField):
    """A Strawberry field that resolves its declaration."""

    declaration: Declaration
    needs: str | None
    # Whether the use case itself reports invalid arguments, as mutations do in `userErrors`.
    has_own_validation: bool
    # None for a field that is not a list; a test checks that every list has a size.
    size: ListSize | None
    cost: int

    def __copy__(self) -> "DeclaredField":
        copied = super().__copy__()
        copied.declaration = self.declaration
        copied.needs = self.needs
        copied.has_own_validation = self.has_own_validation
        copied.size = self.size
        copied.cost = self.cost
        copied.arguments = list(self.arguments)
        return copied

    @property
    def is_basic_field(self) -> bool:
        return False

    @property
    def is_async(self) -> bool:
        # graphql-core awaits the result of a loader itself; a coroutine for each field would cost time.
        return False

    @property
    def column(self) -> str | None:
        """The only attribute of the parent record that the field reads; None if it can read any."""
        declaration = self.declaration
        if isinstance(declaration, StreamDeclaration | DerivedDeclaration):
            return None
        if isinstance(declaration, AttributeDeclaration) and isinstance(declaration.get, SameNameGetter):
            return self.python_name
        return declaration.column

    def check_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Raise BadUserInput, with the path of the value, for the first value that no store can hold."""
        if self.has_own_validation:
            return
        for name, value in arguments.items():
            violation = find_violation(value, name)
            if violation is not None:
                raise BadUserInput(str(violation), argument=violation.field)

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        context: Context = info.context
        if self.needs is not None:
            context.require(self.needs)
        self.check_arguments(kwargs)
        return resolve_field(self.declaration, context, source, Arguments(kwargs))


def attribute(
    description: str,
    *,
    of: str | Getter | None = None,
    column: str | None = None,
    needs: str | None = None,
    name: str | None = None,
    size: ListSize | None = None,
) -> Any:
    """Declare a value of the parent record: the attribute with the name of the field, or what `of` names or computes.

    `column` is the only attribute that a computation reads, if there is only one. `size`, here and below, is required
    for a list: the number of items for the cost estimate.
    """
    get = attrgetter(of) if isinstance(of, str) else of
    column = column or (of.partition(".")[0] if isinstance(of, str) else None)
    return _build_field(AttributeDeclaration(get, column) if get else None, description, needs, (), name, size)


def link(
    loader: LoaderClass[Any],
    description: str,
    *,
    key: str | Getter,
    needs: str,
    arguments: tuple[Argument, ...] = (),
    loader_arguments: Callable[[Context, Mapping[str, Any]], Any] | None = None,
    name: str | None = None,
    size: ListSize | None = None,
) -> Any:
    """Declare a value that a loader returns for a key from the parent record."""
    get = attrgetter(key) if isinstance(key, str) else key
    column = key if isinstance(key, str) else None
    declaration = LinkDeclaration(loader, get, loader_arguments, column)
    return _build_field(declaration, description, needs, arguments, name, size)


def field(
    call: Callable[[Context, Any, Arguments], Any],
    description: str,
    *,
    needs: str | None,
    arguments: tuple[Argument, ...] = (),
    has_own_validation: bool = False,
    size: ListSize | None = None,
    cost: int = 0,
    column: str | None = None,
    pages: type[PagesBy[Any]] | None = None,
) -> Any:
    """Declare the result of a use case. `needs` is None only for fields that check permissions themselves.

    `has_own_validation` is for mutations, which report invalid values in `userErrors`. `cost` is the cost of the use
    case in addition to the fields of the response, in leaf fields of about 4 microseconds. `column` and `pages` as in
    UseCaseDeclaration.
    """
    declaration = UseCaseDeclaration(call, column, pages)
    declared: DeclaredField = _build_field(declaration, description, needs, arguments, None, size)
    declared.has_own_validation = has_own_validation
    declared.cost += cost
    return declared


def derived(
    load: Callable[[Context, Any], asyncio.Future[Any]],
    derive: Callable[[Any, Any], Any],
    description: str,
    *,
    size: ListSize | None = None,
) -> Any:
    """Declare a value that `derive` computes from what `load` returns for the parent."""
    return _build_field(DerivedDeclaration(load, derive), description, None, (), None, size)


def stream(
    call: Callable[[Context, Mapping[str, Any]], AsyncIterable[Any]],
    description: str,
    *,
    needs: str,
    arguments: tuple[Argument, ...] = (),
    cost: int = 0,
) -> Any:
    """Declare a subscription whose events have the type of the field. `needs` is checked again for each event.

    `cost` is that of the whole stream in addition to the fields of one event, as of `field`.
    """
    declared: DeclaredField = _build_field(StreamDeclaration(call), description, needs, arguments, None)
    declared.cost += cost
    return declared


def declared_fields(type_: type) -> dict[str, DeclaredField]:
    """Return the declared fields of a GraphQL type by Python name."""
    definition = type_.__strawberry_definition__  # type: ignore[attr-defined]
    return {each.python_name: each for each in definition.fields if isinstance(each, DeclaredField)}


def _build_field(
    declaration: Declaration | None,
    description: str,
    needs: str | None,
    arguments: tuple[Argument, ...],
    name: str | None,
    size: ListSize | None = None,
) -> Any:
    if not description.endswith((".", "?", "`")):
        raise ValueError(f"a field's description is a sentence: {description!r}")
    declared = DeclaredField(
        graphql_name=name,
        description=description,
        directives=[Needs(permission=needs)] if needs else [],
        is_subscription=isinstance(declaration, StreamDeclaration),
        default=dataclasses.MISSING,
    )
    declared.needs = needs
    declared.has_own_validation = False
    declared.size = size
    # An awaited field costs a future, a coroutine and often a task.
    declared.cost = 0 if declaration is None or isinstance(declaration, AttributeDeclaration) else ASYNC_FIELD_COST
    declared.declaration = declaration or AttributeDeclaration(SameNameGetter(declared))
    declared.arguments = [
        StrawberryArgument(
            python_name=each.name,
            graphql_name=each.name,
            type_annotation=StrawberryAnnotation(each.type),
            description=each.description,
            default=each.default,
        )
        for each in arguments
    ]
    return declared
