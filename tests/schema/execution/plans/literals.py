"""Values as literals of a GraphQL document."""

import json
from typing import Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInputType, GraphQLList, GraphQLNonNull


def literal(type_: GraphQLInputType, value: Any) -> str:
    """The literal of a value of a type; the names of enumerations and of fields have no quotes."""
    if isinstance(type_, GraphQLNonNull):
        return literal(type_.of_type, value)
    if isinstance(type_, GraphQLList):
        return f"[{', '.join(literal(type_.of_type, each) for each in value)}]"
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    if isinstance(type_, GraphQLInputObjectType):
        fields = type_.fields
        return f"{{{', '.join(f'{name}: {literal(fields[name].type, each)}' for name, each in value.items())}}}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {json.dumps(each)}' for name, each in value.items())}}}"
    return json.dumps(value)
