"""The GraphQL schema, built once at import."""

from datetime import datetime

import strawberry
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


def print_sdl() -> str:
    """Return the schema in SDL, as committed in schema.graphql."""
    return SCHEMA.as_str() + "\n"
