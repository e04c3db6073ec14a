"""Add and remove identification keys; each change of keys creates a new version of the item."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct, to_builtins
from msgspec.structs import asdict

from datasources.aurora.configuration_items import writes as rows
from datasources.errors import SourceConflict
from datasources.records.configuration_items import IdentificationKeyRecord
from resolvers import validation
from resolvers.commands import ConfigurationItemId
from resolvers.configuration_items.use_cases import ENTITY, NOUN, TABLE
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write

KEYS = "configuration_item_keys"


class AddIdentificationKey(Struct, frozen=True, kw_only=True):
    """The identification key to add."""

    configuration_item_id: Annotated[ConfigurationItemId, Meta(description="The item's global id.")]
    source: Annotated[str, Meta(description="The source, for example `cmdb`.")]
    key: Annotated[str, Meta(description="The key that the source uses; unique within the source.")]


class RemoveIdentificationKey(Struct, frozen=True, kw_only=True):
    """The identification key to remove."""

    configuration_item_id: Annotated[ConfigurationItemId, Meta(description="The item's global id.")]
    source: Annotated[str, Meta(description="The source, for example `cmdb`.")]
    key: Annotated[str, Meta(description="The key that the source uses.")]


async def add(write: Write, command: AddIdentificationKey) -> Sequence[str]:
    """Return the item's id; nothing is written if the item already has the key. Refused if another item has it."""
    key = await _validate(write, command)
    if not await rows.add_key(write.transaction, command.configuration_item_id, key):
        holder = await rows.find_key_owner(write.transaction, key)
        if holder is None:
            # The key was taken and released a moment ago: retry.
            raise SourceConflict("main", "the holder of an identification key changed meanwhile")
        if holder.id == command.configuration_item_id:
            return [command.configuration_item_id]
        message = f"{key.source} knows {holder.name} (ci_{holder.id}) by the key {key.key}; remove it there first"
        raise ValidationFailed(UserError(UserErrorCode.TAKEN, "key", message))
    return await _record_change(write, command.configuration_item_id, None, key)


async def remove(write: Write, command: RemoveIdentificationKey) -> Sequence[str]:
    """Return the item's id. Refused if the item does not have this key."""
    key = await _validate(write, command)
    if not await rows.remove_key(write.transaction, command.configuration_item_id, key):
        message = f"{key.source} does not know the item by the key {key.key}; see its `keys`"
        raise ValidationFailed(UserError(UserErrorCode.NOT_FOUND, "key", message))
    return await _record_change(write, command.configuration_item_id, key, None)


async def _validate(write: Write, command: AddIdentificationKey | RemoveIdentificationKey) -> IdentificationKeyRecord:
    texts = {"source": command.source.strip(), "key": command.key.strip()}
    errors = [
        UserError(UserErrorCode.INVALID, name, f"the {name} {unfit}")
        for name, text in texts.items()
        if (unfit := validation.name_violation(text)) is not None
    ]
    if not errors and (unfit := validation.name_violation(texts["key"], texts["source"])) is not None:
        errors = [UserError(UserErrorCode.INVALID, "key", f"the key {unfit}")]
    if errors:
        raise ValidationFailed(*errors)
    if not await rows.lock(write.transaction, [command.configuration_item_id]):
        raise validation.no_such_record(NOUN, "configuration_item_id")
    return IdentificationKeyRecord(**texts)


async def _record_change(
    write: Write, id: str, before: IdentificationKeyRecord | None, after: IdentificationKeyRecord | None
) -> Sequence[str]:
    await rows.touch(write.transaction, id)
    write.tables.add(KEYS)
    write.record_change(
        TABLE, ENTITY, id, *({"id": id, "keys": [to_builtins(asdict(k))] if k else []} for k in (before, after))
    )
    return [id]
