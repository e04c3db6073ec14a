"""Types of relationships: how configuration items can be related, and which way a failure travels."""

import strawberry

from datasources.records.relationship_types import Impact, RelationshipTypeRecord
from resolvers.taxonomy.relationship_type_loaders import RelationshipTypes
from schema.declarations.enums import register_enum
from schema.declarations.fields import attribute, field

READ_PERMISSION = "configuration-items:read"

register_enum(
    Impact,
    "Which way a failure travels along a relationship: FORWARD from its `from` to its `to`, REVERSE from "
    "its `to` to its `from`, or NONE.",
    name="ImpactFlow",
    FORWARD="A failure of its `from` impacts its `to`.",
    REVERSE="A failure of its `to` impacts its `from`.",
    NONE="A failure does not travel along it.",
)


@strawberry.type(description="How two configuration items can be related.")
class RelationshipType:
    record = RelationshipTypeRecord

    key: str = attribute("Its key, for example `depends_on`.")
    label: str = attribute("How it reads forwards, for example `depends on`.")
    inverse_label: str = attribute("How it reads backwards, for example `is used by`.")
    impact: Impact = attribute("Which way a failure travels along it.")
    description: str = attribute("What it means; may be empty.")


@strawberry.type
class RelationshipTypeQueries:
    relationship_types: list[RelationshipType] | None = field(
        lambda context, _parent, _arguments: context.loader(RelationshipTypes).load(None),
        "All types of relationships, by key. One statement.",
        needs=READ_PERMISSION,
        size=50,
    )
