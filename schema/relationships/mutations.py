"""Mutations of relationships and redundancy groups."""

from functools import partial

import strawberry

from resolvers.relationships import redundancy_groups, use_cases
from resolvers.relationships.loaders import RedundancyGroupById, RelationshipById
from schema.declarations.fields import attribute, link
from schema.declarations.ids import encode_id
from schema.declarations.mutations import mutation
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.relationships.types import READ_PERMISSION, RedundancyGroup, Relationship

WRITE_PERMISSION = "relationships:write"


@strawberry.type
class RelationshipPayload:
    """The fields that all payloads with one relationship share."""

    relationship: Relationship | None = link(
        RelationshipById,
        "The relationship as it is now, also after a conflict; null if there is none.",
        key="id",
        needs=READ_PERMISSION,
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type
class RelationshipIdsPayload:
    """The ids that a bulk write created or found."""

    ids: list[strawberry.ID] = attribute(
        "The global ids of the written relationships, new or existing, in order of input; pass them to `nodes`.",
        of=lambda written: [encode_id("rel", each) for each in written.ids],
        size=100,
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type
class RelationshipDeletionPayload:
    id: strawberry.ID | None = attribute(
        "Its global id; null if nothing was written.",
        of=lambda written: None if written.user_errors or written.id is None else encode_id("rel", written.id),
    )
    relationship: Relationship | None = link(
        RelationshipById,
        "The relationship as it is now, also after a conflict; null if there is none.",
        key="id",
        needs=READ_PERMISSION,
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type
class RedundancyGroupPayload:
    redundancy_group: RedundancyGroup | None = link(
        RedundancyGroupById, "The group as it is now; null if there is none.", key="id", needs=READ_PERMISSION
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type
class RedundancyGroupRemovalPayload:
    id: strawberry.ID | None = attribute(
        "Its global id; null if nothing was written.",
        of=lambda written: None if written.user_errors or written.id is None else encode_id("rg", written.id),
    )
    user_errors: list[UserErrorType] = user_errors()


relationship_mutation = partial(mutation, payload=RelationshipPayload, needs=WRITE_PERMISSION)


@strawberry.type
class RelationshipMutations:
    relate_configuration_items = relationship_mutation(
        use_cases.RelateConfigurationItems,
        use_cases.relate,
        "Relate two configuration items. An existing relationship with the same ends, type and source is updated.",
        "The relationship, new or existing, or why it was not written.",
    )
    relate_configuration_items_in_bulk = relationship_mutation(
        use_cases.RelateConfigurationItemsInBulk,
        use_cases.relate_in_bulk,
        "Create many relationships in one transaction, with as many statements as for one. Errors name the index.",
        "The relationships, and errors of those that were not written.",
        payload=RelationshipIdsPayload,
    )
    update_relationship = relationship_mutation(
        use_cases.UpdateRelationship,
        use_cases.update,
        "Update a relationship. If no value differs, nothing is written.",
        "The updated relationship, or why it was not updated.",
    )
    unrelate_configuration_items = relationship_mutation(
        use_cases.UnrelateConfigurationItems,
        use_cases.unrelate,
        "Delete a relationship. Its history remains.",
        "The deleted relationship, or why it was not deleted.",
        payload=RelationshipDeletionPayload,
    )
    define_redundancy_group = relationship_mutation(
        redundancy_groups.DefineRedundancyGroup,
        redundancy_groups.define,
        "Define a redundancy group: its members and the number needed. Members that are not named leave the group.",
        "The redundancy group, or why it was not written.",
        payload=RedundancyGroupPayload,
    )
    remove_redundancy_group = relationship_mutation(
        redundancy_groups.RemoveRedundancyGroup,
        redundancy_groups.remove,
        "Remove a redundancy group. Its relationships remain, and the item needs each of them again.",
        "The removed redundancy group, or why it was not removed.",
        payload=RedundancyGroupRemovalPayload,
    )
