"""Register Python enums as GraphQL enums, with a description of each value."""

from enum import Enum, StrEnum
from typing import Any

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


def make_column_enum(name: str, description: str, columns: dict[str, str | tuple[str, str]]) -> Any:
    """Make a GraphQL enum whose values are columns.

    `columns` maps members to descriptions, or to a column and a description if the column has another name than the
    member in lower case.
    """
    pairs = {key: (key.lower(), each) if isinstance(each, str) else each for key, each in columns.items()}
    made = StrEnum(name, {key: column for key, (column, _) in pairs.items()})  # type: ignore[misc]
    register_enum(made, description, **{key: text for key, (_, text) in pairs.items()})
    return made
