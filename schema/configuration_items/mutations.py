"""Mutations of configuration items and their identification keys."""

from functools import partial

import strawberry
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from datasources.records.configuration_items import ConfigurationItemStatus, Criticality, Environment
from resolvers.bulk import MAX_BULK_ITEMS, BulkMode
from resolvers.configuration_items import identification_keys, use_cases
from resolvers.configuration_items.loaders import ConfigurationItemById
from schema.configuration_items.types import ConfigurationItem
from schema.declarations.enums import register_enum
from schema.declarations.fields import attribute, link
from schema.declarations.ids import encode_id
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    InputMapping,
    MutationDeclaration,
    VersionedInput,
    mutation,
)
from schema.declarations.user_errors import UserErrorType, user_errors

WRITE_PERMISSION = "configuration-items:write"

register_enum(
    BulkMode,
    "What happens to the other items if one item of a bulk write breaks a rule.",
    ALL_OR_NOTHING="None is written.",
    PER_ITEM="The valid items are written; `userErrors` has an error for each of the others.",
)


@strawberry.input(description="One new configuration item of a bulk write.")
class NewConfigurationItemInput:
    name: str = strawberry.field(description="Its name, at most 500 characters; not unique.")
    class_key: str = strawberry.field(description="The key of its class, for example `service`.")
    status: ConfigurationItemStatus | None = strawberry.field(default=UNSET, description="Default ACTIVE.")
    environment: Environment | None = strawberry.field(default=UNSET, description="Default UNKNOWN.")
    criticality: Criticality | None = strawberry.field(default=UNSET, description="Default MEDIUM.")
    owner_team_id: strawberry.ID | None = strawberry.field(default=UNSET, description="The team that owns it.")
    attributes: JSON | None = strawberry.field(
        default=UNSET, description="Further attributes: an object. Default: an empty object."
    )


@strawberry.input(description="A new configuration item.")
class CreateConfigurationItemInput(NewConfigurationItemInput):
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="New configuration items, inserted by one statement.")
class CreateConfigurationItemsInBulkInput:
    items: list[NewConfigurationItemInput] = strawberry.field(description=f"The items, at most {MAX_BULK_ITEMS:,}.")
    mode: BulkMode = strawberry.field(description="What happens to the other items if one breaks a rule.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="New values of a configuration item. Omitted fields stay unchanged.")
class UpdateConfigurationItemInput(VersionedInput):
    name: str | None = strawberry.field(default=UNSET, description="Its name, at most 500 characters.")
    class_key: str | None = strawberry.field(default=UNSET, description="The key of its class.")
    status: ConfigurationItemStatus | None = strawberry.field(
        default=UNSET, description="PLANNED, ACTIVE or MAINTENANCE; `retireConfigurationItem` retires it."
    )
    environment: Environment | None = strawberry.field(default=UNSET, description="What it is used for.")
    criticality: Criticality | None = strawberry.field(
        default=UNSET, description="How much the organisation depends on it."
    )
    owner_team_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The team that owns it; null for none."
    )
    attributes: JSON | None = strawberry.field(
        default=UNSET, description="Further attributes: an object that replaces the current one."
    )


@strawberry.input(description="The configuration item to retire.")
class RetireConfigurationItemInput(VersionedInput):
    pass


@strawberry.input(description="The retired configuration item to restore.")
class RestoreConfigurationItemInput(VersionedInput):
    status: ConfigurationItemStatus | None = strawberry.field(
        default=UNSET, description="PLANNED, ACTIVE or MAINTENANCE. Default ACTIVE."
    )


@strawberry.input(description="The identification key to add.")
class AddIdentificationKeyInput:
    configuration_item_id: strawberry.ID = strawberry.field(description="The item's global id.")
    source: str = strawberry.field(description="The source, for example `cmdb`.")
    key: str = strawberry.field(description="The key that the source uses; unique within the source.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="The identification key to remove.")
class RemoveIdentificationKeyInput:
    configuration_item_id: strawberry.ID = strawberry.field(description="The item's global id.")
    source: str = strawberry.field(description="The source, for example `cmdb`.")
    key: str = strawberry.field(description="The key that the source uses.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.type
class ConfigurationItemPayload:
    """The fields that all payloads with one configuration item share."""

    configuration_item: ConfigurationItem | None = link(
        ConfigurationItemById,
        "The item as it is now, also after a conflict; null if there is none.",
        key="id",
        needs="configuration-items:read",
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type
class ConfigurationItemIdsPayload:
    """The ids that a bulk write created."""

    ids: list[strawberry.ID] = attribute(
        "The global ids of the created items, in order of input; pass them to `nodes`.",
        of=lambda written: [encode_id("ci", each) for each in written.ids],
        size=100,
    )
    user_errors: list[UserErrorType] = user_errors()


item_mutation = partial(mutation, payload=ConfigurationItemPayload, needs=WRITE_PERMISSION)


OWNER_PREFIXES = {"owner_team_id": "team"}


@strawberry.type
class ConfigurationItemMutations:
    create_configuration_item = item_mutation(
        MutationDeclaration(use_cases.CreateConfigurationItem, use_cases.create, OWNER_PREFIXES),
        CreateConfigurationItemInput,
        "Create a configuration item.",
        "The new configuration item, or why there is none.",
    )
    create_configuration_items_in_bulk = item_mutation(
        MutationDeclaration(
            use_cases.CreateConfigurationItemsInBulk,
            use_cases.create_in_bulk,
            lists={"items": InputMapping(use_cases.CreateConfigurationItem, OWNER_PREFIXES)},
        ),
        CreateConfigurationItemsInBulkInput,
        "Create many configuration items in one transaction, with as many statements as for one. Errors name the "
        "index.",
        "The new configuration items, and errors of the items that were not created.",
        payload=ConfigurationItemIdsPayload,
    )
    update_configuration_item = item_mutation(
        MutationDeclaration(use_cases.UpdateConfigurationItem, use_cases.update, {"id": "ci", **OWNER_PREFIXES}),
        UpdateConfigurationItemInput,
        "Update a configuration item that is not retired. If no value differs, nothing is written.",
        "The updated configuration item, or why it was not updated.",
    )
    retire_configuration_item = item_mutation(
        MutationDeclaration(use_cases.RetireConfigurationItem, use_cases.retire, {"id": "ci"}),
        RetireConfigurationItemInput,
        "Retire a configuration item. Its relationships and its history remain.",
        "The retired configuration item, or why it was not retired.",
    )
    restore_configuration_item = item_mutation(
        MutationDeclaration(use_cases.RestoreConfigurationItem, use_cases.restore, {"id": "ci"}),
        RestoreConfigurationItemInput,
        "Restore a retired configuration item.",
        "The restored configuration item, or why it was not restored.",
    )
    add_identification_key = item_mutation(
        MutationDeclaration(
            identification_keys.AddIdentificationKey, identification_keys.add, {"configuration_item_id": "ci"}
        ),
        AddIdentificationKeyInput,
        "Add a key by which a source identifies a configuration item. Creates a new version of the item.",
        "The configuration item with its new key, or why the key was not added.",
    )
    remove_identification_key = item_mutation(
        MutationDeclaration(
            identification_keys.RemoveIdentificationKey, identification_keys.remove, {"configuration_item_id": "ci"}
        ),
        RemoveIdentificationKeyInput,
        "Remove a key by which a source identifies a configuration item. Creates a new version of the item.",
        "The configuration item without the key, or why the key was not removed.",
    )
