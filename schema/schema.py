"""The GraphQL schema, built once at import."""

from datetime import datetime

import strawberry
from graphql import DirectiveLocation, GraphQLDirective
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
DRAFT_LOCATION = DirectiveLocation.DIRECTIVE_DEFINITION
SCHEMA._schema.directives = tuple(
    GraphQLDirective(
        **each.to_kwargs() | {"locations": [at for at in each.locations if at is not DRAFT_LOCATION]}  # type: ignore[arg-type]
    )
    if DRAFT_LOCATION in each.locations
    else each
    for each in SCHEMA._schema.directives
)


def print_sdl() -> str:
    """Return the schema in SDL, as committed in schema.graphql."""
    return SCHEMA.as_str() + "\n"
