"""Register Python enums as GraphQL enums, with a description of each value."""

from enum import Enum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition


def register_enum(enum_class: type[Enum], description: str, /, *, name: str | None = None, **values: str) -> None:
    """Register a Python enum as a GraphQL enum, with a description of each member.

    `values` maps member names to descriptions; `name` is the name in GraphQL if it differs from the class name.
    A new member without a description stops the schema from being built.

    Raises:
        ValueError: a member has no description, or a description names no member.
    """
    members = set(enum_class.__members__)
    if undescribed := sorted(member for member in members if not values.get(member)):
        raise ValueError(f"{enum_class.__name__} has values without a description: {', '.join(undescribed)}.")
    if unknown := sorted(set(values) - members):
        raise ValueError(f"{enum_class.__name__} has no such values: {', '.join(unknown)}.")
    registered = strawberry.enum(enum_class, name=name, description=description)
    definition: StrawberryEnumDefinition = vars(registered)["__strawberry_definition__"]
    for value in definition.values:
        value.description = values[value.name]
