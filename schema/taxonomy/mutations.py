"""Classes of configuration items and types of relationships defined by clients."""

import strawberry
from strawberry.types.unset import UNSET

from datasources.records.relationship_types import Impact
from resolvers.taxonomy import use_cases
from resolvers.taxonomy.loaders import ConfigurationItemClassByEntityId, RelationshipTypeByEntityId
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    UserErrorType,
    mutation,
    user_errors,
)
from schema.taxonomy.classes import ConfigurationItemClass
from schema.taxonomy.relationship_types import RelationshipType

READ_PERMISSION = "configuration-items:read"


@strawberry.input(description="A class of configuration items, by its key.")
class DefineConfigurationItemClassInput:
    key: str = strawberry.field(description="Its key, for example `database`; a class of this key is changed.")
    name: str = strawberry.field(description="Its name.")
    parent_key: str | None = strawberry.field(
        default=UNSET, description="The key of the class it is a kind of; null for a root. Left out, it stays."
    )
    description: str | None = strawberry.field(default=UNSET, description="What belongs to it. Left out, it stays.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="A type of relationships, by its key.")
class DefineRelationshipTypeInput:
    key: str = strawberry.field(description="Its key, for example `depends_on`; a type of this key is changed.")
    label: str = strawberry.field(description="How it reads forwards, for example `depends on`.")
    inverse_label: str = strawberry.field(description="How it reads backwards, for example `is used by`.")
    impact: Impact = strawberry.field(
        description="Which way a failure travels along it; fixed while any relationship is of the type."
    )
    description: str | None = strawberry.field(default=UNSET, description="What it means. Left out, it stays.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.type(description="The class, new or changed, or why it is not.")
class DefineConfigurationItemClassPayload:
    configuration_item_class: ConfigurationItemClass | None = link(
        ConfigurationItemClassByEntityId, "The class as it is now.", key="id", needs=READ_PERMISSION
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The type, new or changed, or why it is not.")
class DefineRelationshipTypePayload:
    relationship_type: RelationshipType | None = link(
        RelationshipTypeByEntityId, "The type as it is now.", key="id", needs=READ_PERMISSION
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type
class TaxonomyMutations:
    define_configuration_item_class: DefineConfigurationItemClassPayload | None = mutation(
        MutationDeclaration(use_cases.DefineConfigurationItemClass, use_cases.define_class),
        DefineConfigurationItemClassInput,
        "Make a class of configuration items, or change it.",
        needs="configuration-item-classes:write",
    )
    define_relationship_type: DefineRelationshipTypePayload | None = mutation(
        MutationDeclaration(use_cases.DefineRelationshipType, use_cases.define_type),
        DefineRelationshipTypeInput,
        "Make a type of relationships, or change it.",
        needs="relationship-types:write",
    )
