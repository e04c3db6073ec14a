"""What events of the landscape may say: a struct for each type."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from datasources.records.configuration_items import ConfigurationItemStatus, Criticality, Environment

# Bounds are such that every value has room in an index, whatever its characters.
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Attributes = Annotated[dict[str, Any], Meta(description="Whatever else is known of it.")]


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """By which key a source knows a configuration item."""

    source: Text
    key: Annotated[str, Meta(min_length=1, max_length=450)]


class ItemUpserted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A configuration item as its source has it now. What is left out stays as it is."""

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
    """A configuration item that its source has no more; it keeps its row and history."""

    item: Key


class RelationshipUpserted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A relationship as its source has it now, from one item to another."""

    from_: Key = msgspec.field(name="from")
    to: Key
    type: Text
    attributes: Attributes | UnsetType = UNSET


class RelationshipRemoved(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A relationship that its source has no more."""

    from_: Key = msgspec.field(name="from")
    to: Key
    type: Text


Data = ItemUpserted | ItemRetired | RelationshipUpserted | RelationshipRemoved

# Every type begins with it, as CloudEvents asks for: the reversed name of who defines the type.
EVENT_TYPE_PREFIX = "io.stackflow."

LANDSCAPE_TYPES: dict[str, type[Data]] = {
    EVENT_TYPE_PREFIX + "configuration-item.upserted": ItemUpserted,
    EVENT_TYPE_PREFIX + "configuration-item.retired": ItemRetired,
    EVENT_TYPE_PREFIX + "relationship.upserted": RelationshipUpserted,
    EVENT_TYPE_PREFIX + "relationship.removed": RelationshipRemoved,
}
