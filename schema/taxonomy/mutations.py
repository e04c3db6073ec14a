"""Mutations of classes of configuration items and of relationship types."""

import strawberry

from resolvers.taxonomy import use_cases
from resolvers.taxonomy.loaders import ConfigurationItemClassByEntityId, RelationshipTypeByEntityId
from schema.declarations.fields import link
from schema.declarations.mutations import mutation
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.taxonomy.classes import ConfigurationItemClass
from schema.taxonomy.relationship_types import RelationshipType

READ_PERMISSION = "configuration-items:read"


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
        use_cases.DefineConfigurationItemClass,
        use_cases.define_class,
        "Create or update a class of configuration items.",
        "The created or updated class, or why nothing was written.",
        payload=ConfigurationItemClassPayload,
        needs="configuration-item-classes:write",
    )
    define_relationship_type = mutation(
        use_cases.DefineRelationshipType,
        use_cases.define_type,
        "Create or update a relationship type.",
        "The created or updated type, or why nothing was written.",
        payload=RelationshipTypePayload,
        needs="relationship-types:write",
    )
