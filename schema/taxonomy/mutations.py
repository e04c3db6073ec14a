"""Mutations of classes of configuration items and of relationship types."""

import strawberry
from strawberry.types.unset import UNSET

from datasources.records.relationship_types import Impact
from resolvers.taxonomy import use_cases
from resolvers.taxonomy.loaders import ConfigurationItemClassByEntityId, RelationshipTypeByEntityId
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    mutation,
)
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.taxonomy.classes import ConfigurationItemClass
from schema.taxonomy.relationship_types import RelationshipType

READ_PERMISSION = "configuration-items:read"


@strawberry.input(description="The class of configuration items to create or update.")
class DefineConfigurationItemClassInput:
    key: str = strawberry.field(
        description="Its key, for example `database`; an existing class with this key is updated."
    )
    name: str = strawberry.field(description="Its name.")
    parent_key: str | None = strawberry.field(
        default=UNSET, description="The key of the parent class; null for a root. If omitted, it stays unchanged."
    )
    description: str | None = strawberry.field(
        default=UNSET, description="What belongs to it. If omitted, it stays unchanged."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="The relationship type to create or update.")
class DefineRelationshipTypeInput:
    key: str = strawberry.field(
        description="Its key, for example `depends_on`; an existing type with this key is updated."
    )
    label: str = strawberry.field(description="Its label from start to end, for example `depends on`.")
    inverse_label: str = strawberry.field(description="Its label from end to start, for example `is used by`.")
    impact: Impact = strawberry.field(
        description="The direction of impact; it cannot be changed while relationships of the type exist."
    )
    description: str | None = strawberry.field(
        default=UNSET, description="What it means. If omitted, it stays unchanged."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.type
class ConfigurationItemClassPayload:
    configuration_item_class: ConfigurationItemClass | None = link(
        ConfigurationItemClassByEntityId, "The class as it is now.", key="id", needs=READ_PERMISSION
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type
class RelationshipTypePayload:
    relationship_type: RelationshipType | None = link(
        RelationshipTypeByEntityId, "The type as it is now.", key="id", needs=READ_PERMISSION
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type
class TaxonomyMutations:
    define_configuration_item_class = mutation(
        MutationDeclaration(use_cases.DefineConfigurationItemClass, use_cases.define_class),
        DefineConfigurationItemClassInput,
        "Create or update a class of configuration items.",
        "The created or updated class, or why nothing was written.",
        payload=ConfigurationItemClassPayload,
        needs="configuration-item-classes:write",
    )
    define_relationship_type = mutation(
        MutationDeclaration(use_cases.DefineRelationshipType, use_cases.define_type),
        DefineRelationshipTypeInput,
        "Create or update a relationship type.",
        "The created or updated type, or why nothing was written.",
        payload=RelationshipTypePayload,
        needs="relationship-types:write",
    )
