"""Enums are described value by value: GraphiQL shows a sentence beside each."""

from enum import Enum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition


def register_enum(enum_class: type[Enum], description: str, /, *, name: str | None = None, **values: str) -> None:
    """Make a GraphQL enum of a Python one, each member with its sentence.

    `values` are sentences by member name; `name` is the enum's name in GraphQL where it differs from the class's.
    A new member on a lower floor stops the schema from being built until somebody says here what it means.

    Raises:
        ValueError: a member has no sentence, or a sentence names no member.
    """
    members = set(enum_class.__members__)
    if silent := sorted(member for member in members if not values.get(member)):
        raise ValueError(f"{enum_class.__name__} has values without a description: {', '.join(silent)}.")
    if strangers := sorted(set(values) - members):
        raise ValueError(f"{enum_class.__name__} has no such values: {', '.join(strangers)}.")
    registered = strawberry.enum(enum_class, name=name, description=description)
    definition: StrawberryEnumDefinition = vars(registered)["__strawberry_definition__"]
    for value in definition.values:
        value.description = values[value.name]
