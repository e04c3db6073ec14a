"""Configuration items and their identification keys written by clients."""

import strawberry
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from datasources.records.configuration_items import ConfigurationItemStatus, Criticality, Environment
from resolvers.bulk import MAX_BULK_ITEMS, BulkMode
from resolvers.configuration_items import identification_keys as keys
from resolvers.configuration_items import use_cases
from resolvers.configuration_items.loaders import ConfigurationItemById
from schema.configuration_items.types import ConfigurationItem
from schema.declarations.enums import register_enum
from schema.declarations.fields import attribute, link
from schema.declarations.ids import encode_id
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    InputMapping,
    MutationDeclaration,
    SeenInput,
    UserErrorType,
    mutation,
    user_errors,
)

WRITE_PERMISSION = "configuration-items:write"

register_enum(
    BulkMode,
    "What becomes of the others where one of many breaks a rule.",
    ALL_OR_NOTHING="None is written.",
    PER_ITEM="Those that break no rule are written; each other one is told of in `userErrors`.",
)


@strawberry.input(description="A new configuration item of many.")
class NewConfigurationItemInput:
    name: str = strawberry.field(description="Its name, at most 500 characters; not unique.")
    class_key: str = strawberry.field(description="The key of its class, for example `service`.")
    status: ConfigurationItemStatus | None = strawberry.field(default=UNSET, description="Default ACTIVE.")
    environment: Environment | None = strawberry.field(default=UNSET, description="Default UNKNOWN.")
    criticality: Criticality | None = strawberry.field(default=UNSET, description="Default MEDIUM.")
    owner_team_id: strawberry.ID | None = strawberry.field(default=UNSET, description="The team that owns it.")
    attributes: JSON | None = strawberry.field(
        default=UNSET, description="Whatever else is known of it: an object, by default an empty one."
    )


@strawberry.input(description="A new configuration item.")
class CreateConfigurationItemInput(NewConfigurationItemInput):
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="New configuration items, made by one statement.")
class CreateConfigurationItemsInBulkInput:
    items: list[NewConfigurationItemInput] = strawberry.field(description=f"The items, at most {MAX_BULK_ITEMS:,}.")
    mode: BulkMode = strawberry.field(description="What becomes of the others where one breaks a rule.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="New values of a configuration item. What is left out stays.")
class UpdateConfigurationItemInput(SeenInput):
    name: str | None = strawberry.field(default=UNSET, description="Its name, at most 500 characters.")
    class_key: str | None = strawberry.field(default=UNSET, description="The key of its class.")
    status: ConfigurationItemStatus | None = strawberry.field(
        default=UNSET, description="PLANNED, ACTIVE or MAINTENANCE; `retireConfigurationItem` retires it."
    )
    environment: Environment | None = strawberry.field(default=UNSET, description="What it is used for.")
    criticality: Criticality | None = strawberry.field(default=UNSET, description="How much depends on it.")
    owner_team_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The team that owns it; null for none."
    )
    attributes: JSON | None = strawberry.field(
        default=UNSET, description="All that else is known of it: an object in place of the one there is."
    )


@strawberry.input(description="A configuration item that is no longer in use.")
class RetireConfigurationItemInput(SeenInput):
    pass


@strawberry.input(description="A retired configuration item that is in use again.")
class RestoreConfigurationItemInput(SeenInput):
    status: ConfigurationItemStatus | None = strawberry.field(
        default=UNSET, description="PLANNED, ACTIVE or MAINTENANCE. Default ACTIVE."
    )


@strawberry.input(description="A key by which a source knows a configuration item.")
class AddIdentificationKeyInput:
    configuration_item_id: strawberry.ID = strawberry.field(description="The item's global id.")
    source: str = strawberry.field(description="The source, for example `cmdb`.")
    key: str = strawberry.field(description="The source's own key; one item a source and key.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="A key by which a source knows a configuration item no longer.")
class RemoveIdentificationKeyInput:
    configuration_item_id: strawberry.ID = strawberry.field(description="The item's global id.")
    source: str = strawberry.field(description="The source, for example `cmdb`.")
    key: str = strawberry.field(description="The source's own key.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


def _item_field() -> ConfigurationItem | None:
    found: ConfigurationItem | None = link(
        ConfigurationItemById,
        "The item as it is now, also after a conflict; null where there is none.",
        key="id",
        needs="configuration-items:read",
    )
    return found


@strawberry.type(description="The new configuration item, or why there is none.")
class CreateConfigurationItemPayload:
    configuration_item: ConfigurationItem | None = _item_field()
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The new configuration items, and what was wrong with others.")
class CreateConfigurationItemsInBulkPayload:
    ids: list[strawberry.ID] = attribute(
        "The global ids of those that were made, in order of input; see `nodes`.",
        of=lambda written: [encode_id("ci", each) for each in written.ids],
        size=100,
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The changed configuration item, or why it was not changed.")
class UpdateConfigurationItemPayload:
    configuration_item: ConfigurationItem | None = _item_field()
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The retired configuration item, or why it was not retired.")
class RetireConfigurationItemPayload:
    configuration_item: ConfigurationItem | None = _item_field()
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The restored configuration item, or why it was not restored.")
class RestoreConfigurationItemPayload:
    configuration_item: ConfigurationItem | None = _item_field()
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The configuration item with its new key, or why it did not get it.")
class AddIdentificationKeyPayload:
    configuration_item: ConfigurationItem | None = _item_field()
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The configuration item without the key, or why it still has it.")
class RemoveIdentificationKeyPayload:
    configuration_item: ConfigurationItem | None = _item_field()
    user_errors: list[UserErrorType] = user_errors()


OWNER_PREFIXES = {"owner_team_id": "team"}


@strawberry.type
class ConfigurationItemMutations:
    create_configuration_item: CreateConfigurationItemPayload | None = mutation(
        MutationDeclaration(use_cases.CreateConfigurationItem, use_cases.create, OWNER_PREFIXES),
        CreateConfigurationItemInput,
        "Make a configuration item.",
        needs=WRITE_PERMISSION,
    )
    create_configuration_items_in_bulk: CreateConfigurationItemsInBulkPayload | None = mutation(
        MutationDeclaration(
            use_cases.CreateConfigurationItemsInBulk,
            use_cases.create_in_bulk,
            lists={"items": InputMapping(use_cases.CreateConfigurationItem, OWNER_PREFIXES)},
        ),
        CreateConfigurationItemsInBulkInput,
        "Make many configuration items in one transaction, in as many statements as one. Errors name the index.",
        needs=WRITE_PERMISSION,
    )
    update_configuration_item: UpdateConfigurationItemPayload | None = mutation(
        MutationDeclaration(use_cases.UpdateConfigurationItem, use_cases.update, {"id": "ci", **OWNER_PREFIXES}),
        UpdateConfigurationItemInput,
        "Change a configuration item that is not retired. Where nothing would change, nothing is written.",
        needs=WRITE_PERMISSION,
    )
    retire_configuration_item: RetireConfigurationItemPayload | None = mutation(
        MutationDeclaration(use_cases.RetireConfigurationItem, use_cases.retire, {"id": "ci"}),
        RetireConfigurationItemInput,
        "Retire a configuration item. Its relationships and its history stay.",
        needs=WRITE_PERMISSION,
    )
    restore_configuration_item: RestoreConfigurationItemPayload | None = mutation(
        MutationDeclaration(use_cases.RestoreConfigurationItem, use_cases.restore, {"id": "ci"}),
        RestoreConfigurationItemInput,
        "Take a retired configuration item back into its life.",
        needs=WRITE_PERMISSION,
    )
    add_identification_key: AddIdentificationKeyPayload | None = mutation(
        MutationDeclaration(keys.AddIdentificationKey, keys.add, {"configuration_item_id": "ci"}),
        AddIdentificationKeyInput,
        "Tell by which key a source knows a configuration item; a new version of the item.",
        needs=WRITE_PERMISSION,
    )
    remove_identification_key: RemoveIdentificationKeyPayload | None = mutation(
        MutationDeclaration(keys.RemoveIdentificationKey, keys.remove, {"configuration_item_id": "ci"}),
        RemoveIdentificationKeyInput,
        "Take a key by which a source knows a configuration item away; a new version of the item.",
        needs=WRITE_PERMISSION,
    )
