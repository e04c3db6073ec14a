"""The GraphQL schema, built once at import."""

from datetime import datetime

import strawberry
from graphql import DirectiveLocation, GraphQLDeprecatedDirective, GraphQLDirective
from strawberry.schema.config import StrawberryConfig

from schema.declarations.scalars import DATE_TIME
from schema.mutation import MutationRoot
from schema.query import NODE_TYPES, Query
from schema.subscription import SubscriptionRoot

SCHEMA = strawberry.Schema(
    Query,
    MutationRoot,
    SubscriptionRoot,
    types=list(NODE_TYPES),
    config=StrawberryConfig(auto_camel_case=True, scalar_map={datetime: DATE_TIME}),
)

# graphql-core adds a location of the draft, which readers of the specification refuse, such as graphql-core 3.2.6.
# https://spec.graphql.org/September2025/#sec--deprecated
SCHEMA._schema.directives = tuple(
    GraphQLDirective(
        each.name,
        [
            DirectiveLocation.FIELD_DEFINITION,
            DirectiveLocation.ARGUMENT_DEFINITION,
            DirectiveLocation.INPUT_FIELD_DEFINITION,
            DirectiveLocation.ENUM_VALUE,
        ],
        each.args,
        description=each.description,
    )
    if each is GraphQLDeprecatedDirective
    else each
    for each in SCHEMA._schema.directives
)


def print_sdl() -> str:
    """Return the schema in SDL, as committed in schema.graphql."""
    return SCHEMA.as_str() + "\n"
