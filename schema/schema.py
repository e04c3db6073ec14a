"""The schema, built once."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.mutation import MutationRoot
from schema.query import NODES, Query
from schema.subscription import SubscriptionRoot

SCHEMA = strawberry.Schema(
    Query, MutationRoot, SubscriptionRoot, types=list(NODES), config=StrawberryConfig(auto_camel_case=True)
)


def sdl() -> str:
    """The schema as text, as committed in schema.graphql."""
    return SCHEMA.as_str() + "\n"
