"""Relationship types: how configuration items can be related, and the direction of impact."""

import strawberry

from datasources.records.relationship_types import Impact, RelationshipTypeRecord
from resolvers.taxonomy.relationship_type_loaders import RelationshipTypes
from schema.declarations.enums import register_enum
from schema.declarations.fields import attribute, field

READ_PERMISSION = "configuration-items:read"

register_enum(
    Impact,
    "The direction of impact along a relationship: FORWARD from `from` to `to`, REVERSE from `to` to `from`, or NONE.",
    name="ImpactFlow",
    FORWARD="A failure of its `from` impacts its `to`.",
    REVERSE="A failure of its `to` impacts its `from`.",
    NONE="A failure has no impact along it.",
)


@strawberry.type(description="A kind of relationship between two configuration items.")
class RelationshipType:
    record = RelationshipTypeRecord

    key: str = attribute("Its key, for example `depends_on`.")
    label: str = attribute("Its label from start to end, for example `depends on`.")
    inverse_label: str = attribute("Its label from end to start, for example `is used by`.")
    impact: Impact = attribute("The direction of impact.")
    description: str = attribute("What it means; can be empty.")


@strawberry.type
class RelationshipTypeQueries:
    relationship_types: list[RelationshipType] | None = field(
        lambda context, _parent, _arguments: context.loader(RelationshipTypes).load(None),
        "All relationship types, by key. One statement.",
        needs=READ_PERMISSION,
        size=50,
    )
