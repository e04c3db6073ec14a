"""Fields are data: each field of a type is declared once, for Strawberry's resolver and for any other executor.

A declaration says which value of the parent record is shown (`attribute`), or which loader gives the linked value
and how its key is taken from the parent (`link`), or which rows are paged through (`connection`), or whatever a
use case answers (`field`) or streams (`stream`). None of them is a method, so an executor that works level by level
can read the same declarations from `declarations(type)`.
"""

import dataclasses
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
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

Getter = Callable[[Any], Any]

# Costs are in leaf fields, some 4 microseconds each: what an object takes besides its fields, and what a field takes
# that is awaited. Measured by bench.dearest.
OBJECT_COST = 2
ASYNC_FIELD_COST = 5


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION], description="The permission that reading this field takes."
)
class Needs:
    """Printed into the SDL, so that clients and reviewers see what a field takes."""

    permission: str


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field: its GraphQL name, its type, its default and what it means."""

    name: str
    type: Any
    description: str
    default: Any = UNSET


class Arguments(dict[str, Any]):
    """The arguments of a field node, coerced once for all its parents, and the query that its field made of them."""

    __slots__ = ("query",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.query: Any = None


@dataclass(frozen=True, slots=True)
class AttributeDeclaration:
    """A value of the parent record."""

    get: Getter


@dataclass(frozen=True, slots=True)
class LinkDeclaration:
    """A value from a loader; a key of None is a null without a load."""

    loader: LoaderClass[Any]
    key: Getter
    # Loader arguments out of field arguments, None where the loader takes none.
    arguments: Callable[[Context, Mapping[str, Any]], Any] | None = None


@dataclass(frozen=True, slots=True)
class UseCaseDeclaration:
    """Whatever a use case answers, called with the context, the parent record and the field's arguments."""

    call: Callable[[Context, Any, Arguments], Awaitable[Any] | Any]


@dataclass(frozen=True, slots=True)
class StreamDeclaration:
    """A subscription: called once with the context and the field's arguments, it gives what is streamed. In the answer
    to each event the event itself is the value."""

    call: Callable[[Context, Mapping[str, Any]], AsyncIterable[Any]]


@dataclass(frozen=True, slots=True)
class PageSize:
    """As many items as the page that `first` or `last` asks for, of this field or of the nearest one around it."""


@dataclass(frozen=True, slots=True)
class ArgumentSize:
    """As many items as the list in the argument of this name holds."""

    argument: str


PAGE = PageSize()

# How many items a list has: a number that is typical of lists that are no pages, for the estimate of the cost.
ListSize = int | PageSize | ArgumentSize

Declaration = AttributeDeclaration | LinkDeclaration | UseCaseDeclaration | StreamDeclaration


class DeclaredField(StrawberryField):
    """A Strawberry field that does what its declaration says."""

    declaration: Declaration
    needs: str | None
    # Whether what it calls answers for unfit values of the arguments, as mutations do in `userErrors`.
    has_own_validation: bool
    # None for what is no list; tests hold that every list has a size.
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
        # What a loader returns is awaited by graphql-core itself, without a coroutine of ours a field.
        return False

    def check_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Refuse values that no store holds and no row is equal to. BadUserInput names where the first one stands."""
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


def resolve_field(declaration: Declaration, context: Context, parent: Any, arguments: Arguments) -> Any:
    """The value of a declared field, or an awaitable of it."""
    match declaration:
        case AttributeDeclaration(get):
            return get(parent)
        case LinkDeclaration(loader, key, make_arguments):
            value = key(parent)
            if value is None:
                return None
            made = None if make_arguments is None else make_arguments(context, arguments)
            return context.loader(loader, made).load(value)
        case UseCaseDeclaration(call):
            return call(context, parent, arguments)
        case StreamDeclaration(stream):
            return stream(context, arguments)


def attribute(
    description: str,
    *,
    of: str | Getter | None = None,
    needs: str | None = None,
    name: str | None = None,
    size: ListSize | None = None,
) -> Any:
    """A value of the record: the one of the field's own name, unless `of` names or computes another.

    `size` is compulsory for a list, here and below: how many items the estimate of the cost counts.
    """
    get = attrgetter(of) if isinstance(of, str) else of
    return _build_field(AttributeDeclaration(get) if get else None, description, needs, (), name, size)


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
    """The value that a loader gives for a key out of the parent record."""
    get = attrgetter(key) if isinstance(key, str) else key
    return _build_field(LinkDeclaration(loader, get, loader_arguments), description, needs, arguments, name, size)


def field(
    call: Callable[[Context, Any, Arguments], Any],
    description: str,
    *,
    needs: str | None,
    arguments: tuple[Argument, ...] = (),
    has_own_validation: bool = False,
    size: ListSize | None = None,
    cost: int = 0,
) -> Any:
    """What a use case answers. `needs` None is only for fields that check for themselves; tests list them.

    `checks_itself` is for mutations, which answer for unfit values in `userErrors`. `cost` is what the use case
    computes besides the fields of the answer, in leaf fields: some 4 microseconds each.
    """
    declared: DeclaredField = _build_field(UseCaseDeclaration(call), description, needs, arguments, None, size)
    declared.has_own_validation = has_own_validation
    declared.cost += cost
    return declared


def stream(
    call: Callable[[Context, Mapping[str, Any]], AsyncIterable[Any]],
    description: str,
    *,
    needs: str,
    arguments: tuple[Argument, ...] = (),
) -> Any:
    """What a subscription streams, each event of the field's type. `needs` is asked for again with each event."""
    return _build_field(StreamDeclaration(call), description, needs, arguments, None)


def declared_fields(type_: type) -> dict[str, DeclaredField]:
    """The declared fields of a GraphQL type by their Python names."""
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
    made = DeclaredField(
        graphql_name=name,
        description=description,
        directives=[Needs(permission=needs)] if needs else [],
        is_subscription=isinstance(declaration, StreamDeclaration),
        default=dataclasses.MISSING,
    )
    made.needs = needs
    made.has_own_validation = False
    made.size = size
    # What is awaited takes a future, a coroutine and often a task.
    made.cost = 0 if declaration is None or isinstance(declaration, AttributeDeclaration) else ASYNC_FIELD_COST
    made.declaration = declaration or AttributeDeclaration(_SameNameGetter(made))
    made.arguments = [
        StrawberryArgument(
            python_name=each.name,
            graphql_name=each.name,
            type_annotation=StrawberryAnnotation(each.type),
            description=each.description,
            default=each.default,
        )
        for each in arguments
    ]
    return made


class _SameNameGetter:
    """The record's attribute of the field's own name, which the field learns from its class."""

    __slots__ = ("field",)

    def __init__(self, field_: DeclaredField) -> None:
        self.field = field_

    def __call__(self, record: Any) -> Any:
        return getattr(record, self.field.python_name)
