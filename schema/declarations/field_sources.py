"""Where the value of a field comes from, as data, for the resolver of Strawberry and for any other executor."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from strawberry.types.field import StrawberryField

from resolvers.context import Context, LoaderClass
from resolvers.loading.tables import PagesBy

Getter = Callable[[Any], Any]


class SameNameGetter:
    """Gets the attribute with the Python name of the field, which the class sets after the field is created."""

    __slots__ = ("field",)

    def __init__(self, field_: StrawberryField) -> None:
        self.field = field_

    def __call__(self, record: Any) -> Any:
        return getattr(record, self.field.python_name)


class Arguments(dict[str, Any]):
    """The arguments of a field node, coerced once for all its parents, and the query built from them.

    `omitted` are the columns that no field below the node reads from its rows.
    """

    __slots__ = ("omitted", "query")

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.query: Any = None
        self.omitted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttributeDeclaration:
    """A value of the parent record; `column` is the only attribute that it reads, None if it can read any."""

    get: Getter
    column: str | None = None

    def column_getter(self) -> Getter:
        """Return what reads the value from many records; the class of the field must be complete."""
        return attrgetter(self.get.field.python_name) if isinstance(self.get, SameNameGetter) else self.get


@dataclass(frozen=True, slots=True)
class LinkDeclaration:
    """A value from a loader; for the key None the value is null, without a load.

    `column` is the attribute that the key is, None if the key can depend on any.
    """

    loader: LoaderClass[Any]
    key: Getter
    # Converts field arguments to loader arguments; None if the loader has no arguments.
    arguments: Callable[[Context, Mapping[str, Any]], Any] | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class UseCaseDeclaration:
    """The result of a use case, called with the context, the parent record and the arguments of the field.

    `column` is the only attribute of the parent that it reads, None if it can read any. A connection has the loader of
    its `pages`.
    """

    call: Callable[[Context, Any, Arguments], Awaitable[Any] | Any]
    column: str | None = None
    pages: type[PagesBy[Any]] | None = None


@dataclass(frozen=True, slots=True)
class DerivedDeclaration:
    """A value that is computed from what a loader returns for the parent, which is no record but leads to records.

    `load` gets the context and the parent, `derive` the parent and the loaded value. It has no arguments.
    """

    load: Callable[[Context, Any], asyncio.Future[Any]]
    derive: Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class StreamDeclaration:
    """A subscription: `call` gets the context and the arguments of the field and returns the stream of events.

    In the response to an event, the event is the value of the field.
    """

    call: Callable[[Context, Mapping[str, Any]], AsyncIterable[Any]]


Declaration = AttributeDeclaration | LinkDeclaration | UseCaseDeclaration | DerivedDeclaration | StreamDeclaration


def resolve_field(declaration: Declaration, context: Context, parent: Any, arguments: Arguments) -> Any:
    """Return the value of a declared field, or an awaitable of it."""
    match declaration:
        case AttributeDeclaration(get):
            return get(parent)
        case LinkDeclaration(loader, key, make_arguments):
            value = key(parent)
            if value is None:
                return None
            loader_arguments = None if make_arguments is None else make_arguments(context, arguments)
            return context.loader(loader, loader_arguments).load(value)
        case UseCaseDeclaration(call):
            return call(context, parent, arguments)
        case DerivedDeclaration(load, derive):
            return _derive(load(context, parent), derive, parent)
        case StreamDeclaration(stream):
            return stream(context, arguments)


async def _derive(loaded: asyncio.Future[Any], derive: Callable[[Any, Any], Any], parent: Any) -> Any:
    return derive(parent, await loaded)
