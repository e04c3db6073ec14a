"""Root fields that find one row by exactly one of several unique keys."""

from collections.abc import Callable, Mapping
from typing import Any

import strawberry

from resolvers.context import Context, LoaderClass
from resolvers.errors import BadUserInput
from schema.declarations.fields import Argument, field
from schema.declarations.ids import decode_id_as
from schema.declarations.node import Node

ID_ARGUMENT = Argument("id", strawberry.ID | None, "Its global id.")


def by_unique_key(
    type_: type[Node],
    description: str,
    other_keys: Mapping[str, tuple[Argument, LoaderClass[Any], Callable[[Any], Any]]],
) -> Any:
    """Declare a field that finds one row by id, or by another argument with its loader and the function for its key."""

    def call(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
        names_with_value = [name for name, value in arguments.items() if value is not None]
        if len(names_with_value) != 1:
            names = " or ".join(["id", *other_keys])
            raise BadUserInput(f"pass exactly one of {names}", argument=names)
        name = names_with_value[0]
        if name == "id":
            uuid = decode_id_as(type_.prefix, arguments["id"])
            return None if uuid is None else context.loader(type_.by_id).load(uuid)
        _, loader, key = other_keys[name]
        return context.loader(loader).load(key(arguments[name]))

    return field(
        call,
        description,
        needs=type_.needs,
        arguments=(ID_ARGUMENT, *(argument for argument, _, _ in other_keys.values())),
    )
