"""Mutations of configuration items and their identification keys."""

from functools import partial

import strawberry

from resolvers.bulk import BulkMode
from resolvers.configuration_items import identification_keys, use_cases
from resolvers.configuration_items.loaders import ConfigurationItemById
from schema.configuration_items.types import ConfigurationItem
from schema.declarations.enums import register_enum
from schema.declarations.fields import attribute, link
from schema.declarations.ids import encode_id
from schema.declarations.mutations import mutation
from schema.declarations.user_errors import UserErrorType, user_errors

WRITE_PERMISSION = "configuration-items:write"

register_enum(
    BulkMode,
    "What happens to the other items if one item of a bulk write breaks a rule.",
    ALL_OR_NOTHING="None is written.",
    PER_ITEM="The valid items are written; `userErrors` has an error for each of the others.",
)


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


@strawberry.type
class ConfigurationItemMutations:
    create_configuration_item = item_mutation(
        use_cases.CreateConfigurationItem,
        use_cases.create,
        "Create a configuration item.",
        "The new configuration item, or why there is none.",
    )
    create_configuration_items_in_bulk = item_mutation(
        use_cases.CreateConfigurationItemsInBulk,
        use_cases.create_in_bulk,
        "Create many configuration items in one transaction, with as many statements as for one. Errors name the "
        "index.",
        "The new configuration items, and errors of the items that were not created.",
        payload=ConfigurationItemIdsPayload,
    )
    update_configuration_item = item_mutation(
        use_cases.UpdateConfigurationItem,
        use_cases.update,
        "Update a configuration item that is not retired. If no value differs, nothing is written.",
        "The updated configuration item, or why it was not updated.",
    )
    retire_configuration_item = item_mutation(
        use_cases.RetireConfigurationItem,
        use_cases.retire,
        "Retire a configuration item. Its relationships and its history remain.",
        "The retired configuration item, or why it was not retired.",
    )
    restore_configuration_item = item_mutation(
        use_cases.RestoreConfigurationItem,
        use_cases.restore,
        "Restore a retired configuration item.",
        "The restored configuration item, or why it was not restored.",
    )
    add_identification_key = item_mutation(
        identification_keys.AddIdentificationKey,
        identification_keys.add,
        "Add a key by which a source identifies a configuration item. Creates a new version of the item.",
        "The configuration item with its new key, or why the key was not added.",
    )
    remove_identification_key = item_mutation(
        identification_keys.RemoveIdentificationKey,
        identification_keys.remove,
        "Remove a key by which a source identifies a configuration item. Creates a new version of the item.",
        "The configuration item without the key, or why the key was not removed.",
    )
