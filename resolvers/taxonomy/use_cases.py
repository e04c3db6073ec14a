"""Define classes of items and types of relationships: rows that are identified by a key and have no id column."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID, uuid5

from msgspec import UNSET, Meta, Struct, UnsetType, structs, to_builtins

from datasources.aurora.taxonomy import writes as rows
from datasources.errors import SourceConflict
from datasources.records.configuration_items import ConfigurationItemClassRecord
from datasources.records.relationship_types import Impact, RelationshipTypeRecord
from resolvers import validation
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write

CLASSES = "configuration_item_classes"
CLASS = "CONFIGURATION_ITEM_CLASS"
TYPES = "relationship_types"
TYPE = "RELATIONSHIP_TYPE"

# Audit entries and idempotent responses need UUIDs. Those of classes and types are derived from the key (RFC 9562, v5).
UUID_NAMESPACES = {
    CLASS: UUID("5f4c9d0a-8f5e-4b39-9d55-0c1f6f0d7a11"),
    TYPE: UUID("b1a1c8c6-4f0b-4a7b-8a5e-3f6c1f0e9d22"),
}


class DefineConfigurationItemClass(Struct, frozen=True, kw_only=True):
    """The class of configuration items to create or update."""

    key: Annotated[
        str, Meta(description="Its key, for example `database`; an existing class with this key is updated.")
    ]
    name: Annotated[str, Meta(description="Its name.")]
    parent_key: Annotated[
        str | UnsetType | None,
        Meta(description="The key of the parent class; null for a root. If omitted, it stays unchanged."),
    ] = UNSET
    description: Annotated[
        str | UnsetType | None, Meta(description="What belongs to it. If omitted, it stays unchanged.")
    ] = UNSET


class DefineRelationshipType(Struct, frozen=True, kw_only=True):
    """The relationship type to create or update."""

    key: Annotated[
        str, Meta(description="Its key, for example `depends_on`; an existing type with this key is updated.")
    ]
    label: Annotated[str, Meta(description="Its label from start to end, for example `depends on`.")]
    inverse_label: Annotated[str, Meta(description="Its label from end to start, for example `is used by`.")]
    impact: Annotated[
        Impact, Meta(description="The direction of impact; it cannot be changed while relationships of the type exist.")
    ]
    description: Annotated[
        str | UnsetType | None, Meta(description="What it means. If omitted, it stays unchanged.")
    ] = UNSET


def entity_id(entity: str, key: str) -> str:
    """Return the UUID for a key; it is the same in every database."""
    return str(uuid5(UUID_NAMESPACES[entity], key))


async def define_class(write: Write, command: DefineConfigurationItemClass) -> Sequence[str]:
    """Return the UUID of the class. Refused for an unknown parent, or one that is the class itself or a subclass of
    it."""
    key = command.key.strip()
    _check_texts(key=key, name=command.name.strip(), description=command.description or "")
    await rows.lock_classes(write.transaction)
    before = await rows.fetch_class(write.transaction, key)
    after = ConfigurationItemClassRecord(
        key=key,
        parent_key=(before.parent_key if before else None) if command.parent_key is UNSET else command.parent_key,
        name=command.name.strip(),
        description=(before.description if before else "")
        if command.description is UNSET
        else command.description or "",
    )
    if after.parent_key is not None and (before is None or after.parent_key != before.parent_key):
        await _check_parent(write, key, after.parent_key)
    if before != after:
        await rows.upsert_class(write.transaction, after)
        _record_change(write, CLASSES, CLASS, before, after)
    return [entity_id(CLASS, key)]


async def _check_parent(write: Write, key: str, parent_key: str) -> None:
    above = await rows.fetch_ancestry(write.transaction, parent_key) if validation.is_storable(parent_key) else []
    if key in {parent_key, *above}:
        below = " is a kind of ".join(above[: above.index(key) + 1]) if parent_key != key else key
        message = f"{below}, so {key} cannot be a kind of {parent_key}; choose a parent that is not a subclass of it"
        raise ValidationFailed(UserError(UserErrorCode.INVALID, "parent_key", message))
    if not above:
        message = f"there is no class {parent_key}; see `classes`"
        raise ValidationFailed(UserError(UserErrorCode.NOT_FOUND, "parent_key", message))


async def define_type(write: Write, command: DefineRelationshipType) -> Sequence[str]:
    """Return the UUID of the type. Refused if the impact changes while relationships of the type exist: each of them
    stores its impact."""
    key, label, inverse_label = command.key.strip(), command.label.strip(), command.inverse_label.strip()
    description = command.description or ""
    _check_texts(key=key, label=label, inverse_label=inverse_label, description=description)
    after = RelationshipTypeRecord(
        key=key, label=label, inverse_label=inverse_label, impact=command.impact, description=description
    )
    before = None
    if not await rows.insert_type(write.transaction, after):
        before = await rows.lock_type(write.transaction, key)
        if before is None:
            raise SourceConflict("main", "a relationship type was removed meanwhile")
        if command.description is UNSET:
            after = structs.replace(after, description=before.description)
        await _check_impact(write, before, after)
        if before != after:
            await rows.update_type(write.transaction, after)
    if before != after:
        _record_change(write, TYPES, TYPE, before, after)
    return [entity_id(TYPE, key)]


async def _check_impact(write: Write, before: RelationshipTypeRecord, after: RelationshipTypeRecord) -> None:
    uses = await rows.count_relationships(write.transaction, before.key) if before.impact is not after.impact else 0
    if uses:
        shown = "1 relationship is" if uses == 1 else f"{uses:,} relationships are"
        message = (
            f"the impact of {before.key} is {before.impact} and cannot change while {shown} of this type; "
            "define a type with another key"
        )
        raise ValidationFailed(
            UserError(UserErrorCode.ILLEGAL_STATE, "impact", message), id=entity_id(TYPE, before.key)
        )


def _record_change(
    write: Write,
    table: str,
    entity: str,
    before: ConfigurationItemClassRecord | RelationshipTypeRecord | None,
    after: ConfigurationItemClassRecord | RelationshipTypeRecord,
) -> None:
    was = None if before is None else to_builtins(structs.asdict(before))
    write.record_change(table, entity, entity_id(entity, after.key), was, to_builtins(structs.asdict(after)))


def _check_texts(**texts: str) -> None:
    errors = []
    for name, text in texts.items():
        unfit = validation.storage_violation(text) if name == "description" else validation.name_violation(text)
        if unfit is not None:
            errors.append(UserError(UserErrorCode.INVALID, name, f"the {name} {unfit}"))
    if errors:
        raise ValidationFailed(*errors)
