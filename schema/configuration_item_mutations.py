"""Configuration items written by clients."""

import strawberry
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from datasources.records.configuration_items import ConfigurationItemStatus, Criticality, Environment
from resolvers import configuration_items as use_cases
from resolvers.loaders.configuration_items import ConfigurationItemById
from schema.configuration_items import ConfigurationItem
from schema.fields import link
from schema.mutations import Mutation, UserErrorType, mutation, user_errors

WRITES = "configuration-items:write"


@strawberry.input(description="A new configuration item.")
class CreateConfigurationItemInput:
    name: str = strawberry.field(description="Its name.")
    class_key: str = strawberry.field(description="The key of its class, for example `service`.")
    status: ConfigurationItemStatus | None = strawberry.field(default=UNSET, description="Default ACTIVE.")
    environment: Environment | None = strawberry.field(default=UNSET, description="Default UNKNOWN.")
    criticality: Criticality | None = strawberry.field(default=UNSET, description="Default MEDIUM.")
    owner_team_id: strawberry.ID | None = strawberry.field(default=UNSET, description="The team that owns it.")
    attributes: JSON | None = strawberry.field(default=UNSET, description="Whatever else is known of it.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="Makes the call safe to repeat for a day: the same key and input is done once."
    )


@strawberry.type(description="The new configuration item, or why there is none.")
class CreateConfigurationItemPayload:
    configuration_item: ConfigurationItem | None = link(
        ConfigurationItemById, "The item.", key="id", needs="configuration-items:read"
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type
class ConfigurationItemMutations:
    create_configuration_item: CreateConfigurationItemPayload | None = mutation(
        Mutation(use_cases.CreateConfigurationItem, use_cases.create, {"owner_team_id": "team"}),
        CreateConfigurationItemInput,
        "Make a configuration item.",
        needs=WRITES,
    )
