"""Data of landscape events, one struct for each type."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from datasources.records.configuration_items import ConfigurationItemStatus, Criticality, Environment

# The bounds ensure that every value fits into an index, whatever its characters.
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Attributes = Annotated[dict[str, Any], Meta(description="Any other properties.")]


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """A source's identification of a configuration item."""

    source: Text
    key: Annotated[str, Meta(min_length=1, max_length=450)]


class ItemUpserted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A configuration item in its current state. Fields that are left out stay unchanged."""

    item: Key
    name: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
    class_key: Text = msgspec.field(name="class")
    status: ConfigurationItemStatus | UnsetType = UNSET
    environment: Environment | UnsetType = UNSET
    criticality: Criticality | UnsetType = UNSET
    # The key of a team; null for none.
    owner: Text | UnsetType | None = UNSET
    attributes: Attributes | UnsetType = UNSET


class ItemRetired(Struct, frozen=True, forbid_unknown_fields=True):
    """The source no longer has the configuration item; its row and history remain."""

    item: Key


class RelationshipUpserted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A relationship in its current state, from one item to another."""

    from_: Key = msgspec.field(name="from")
    to: Key
    type: Text
    attributes: Attributes | UnsetType = UNSET


class RelationshipRemoved(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The source no longer has the relationship."""

    from_: Key = msgspec.field(name="from")
    to: Key
    type: Text


Data = ItemUpserted | ItemRetired | RelationshipUpserted | RelationshipRemoved

# The prefix of every type: a reversed DNS name, as the CloudEvents specification recommends.
EVENT_TYPE_PREFIX = "io.stackflow."

LANDSCAPE_TYPES: dict[str, type[Data]] = {
    EVENT_TYPE_PREFIX + "configuration-item.upserted": ItemUpserted,
    EVENT_TYPE_PREFIX + "configuration-item.retired": ItemRetired,
    EVENT_TYPE_PREFIX + "relationship.upserted": RelationshipUpserted,
    EVENT_TYPE_PREFIX + "relationship.removed": RelationshipRemoved,
}
