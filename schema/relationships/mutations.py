"""Mutations of relationships and redundancy groups."""

from functools import partial

import strawberry
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from resolvers.bulk import MAX_BULK_ITEMS, BulkMode
from resolvers.relationships import redundancy_groups, use_cases
from resolvers.relationships.loaders import RedundancyGroupById, RelationshipById
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
from schema.relationships.types import READ_PERMISSION, RedundancyGroup, Relationship

WRITE_PERMISSION = "relationships:write"


@strawberry.input(description="One new relationship of a bulk write.")
class NewRelationshipInput:
    from_id: strawberry.ID = strawberry.field(description="The item at its start.")
    to_id: strawberry.ID = strawberry.field(description="The item at its end; not the same item.")
    type_key: str = strawberry.field(description="The key of its type, for example `depends_on`.")
    attributes: JSON | None = strawberry.field(default=UNSET, description="Further attributes: an object.")
    source: str | None = strawberry.field(default=UNSET, description="The source that declares it. Default `manual`.")
    redundancy_group_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="A redundancy group of the item that a failure along it impacts."
    )


@strawberry.input(description="The relationship of two configuration items to create or update.")
class RelateConfigurationItemsInput(NewRelationshipInput):
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="Relationships of configuration items, inserted by one statement.")
class RelateConfigurationItemsInBulkInput:
    items: list[NewRelationshipInput] = strawberry.field(description=f"The relationships, at most {MAX_BULK_ITEMS:,}.")
    mode: BulkMode = strawberry.field(description="What happens to the other items if one breaks a rule.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="New values of a relationship. Omitted fields stay unchanged.")
class UpdateRelationshipInput(VersionedInput):
    attributes: JSON | None = strawberry.field(
        default=UNSET, description="Further attributes: an object that replaces the current one."
    )
    redundancy_group_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="A redundancy group of the item that a failure along it impacts; null for none."
    )


@strawberry.input(description="The relationship to delete.")
class UnrelateConfigurationItemsInput(VersionedInput):
    pass


@strawberry.input(description="A redundancy group of a configuration item, by its name.")
class DefineRedundancyGroupInput:
    dependent_id: strawberry.ID = strawberry.field(description="The item that depends on the group.")
    name: str = strawberry.field(
        description="Its name, unique for the item; an existing group with this name is replaced."
    )
    needed: int = strawberry.field(
        description="The minimum number of healthy members, 1 to the number of distinct items; with fewer, the item "
        "fails."
    )
    relationship_ids: list[strawberry.ID] = strawberry.field(
        description="All its members: relationships through which a failure reaches the item, at most 1,000."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="The redundancy group to remove.")
class RemoveRedundancyGroupInput:
    id: strawberry.ID = strawberry.field(description="Its global id.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


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


RELATIONSHIP_PREFIXES = {"from_id": "ci", "to_id": "ci", "redundancy_group_id": "rg"}


@strawberry.type
class RelationshipMutations:
    relate_configuration_items = relationship_mutation(
        MutationDeclaration(use_cases.RelateConfigurationItems, use_cases.relate, RELATIONSHIP_PREFIXES),
        RelateConfigurationItemsInput,
        "Relate two configuration items. An existing relationship with the same ends, type and source is updated.",
        "The relationship, new or existing, or why it was not written.",
    )
    relate_configuration_items_in_bulk = relationship_mutation(
        MutationDeclaration(
            use_cases.RelateConfigurationItemsInBulk,
            use_cases.relate_in_bulk,
            lists={"items": InputMapping(use_cases.RelateConfigurationItems, RELATIONSHIP_PREFIXES)},
        ),
        RelateConfigurationItemsInBulkInput,
        "Create many relationships in one transaction, with as many statements as for one. Errors name the index.",
        "The relationships, and errors of those that were not written.",
        payload=RelationshipIdsPayload,
    )
    update_relationship = relationship_mutation(
        MutationDeclaration(use_cases.UpdateRelationship, use_cases.update, {"id": "rel", "redundancy_group_id": "rg"}),
        UpdateRelationshipInput,
        "Update a relationship. If no value differs, nothing is written.",
        "The updated relationship, or why it was not updated.",
    )
    unrelate_configuration_items = relationship_mutation(
        MutationDeclaration(use_cases.UnrelateConfigurationItems, use_cases.unrelate, {"id": "rel"}),
        UnrelateConfigurationItemsInput,
        "Delete a relationship. Its history remains.",
        "The deleted relationship, or why it was not deleted.",
        payload=RelationshipDeletionPayload,
    )
    define_redundancy_group = relationship_mutation(
        MutationDeclaration(
            redundancy_groups.DefineRedundancyGroup,
            redundancy_groups.define,
            {"dependent_id": "ci", "relationship_ids": "rel"},
        ),
        DefineRedundancyGroupInput,
        "Define a redundancy group: its members and the number needed. Members that are not named leave the group.",
        "The redundancy group, or why it was not written.",
        payload=RedundancyGroupPayload,
    )
    remove_redundancy_group = relationship_mutation(
        MutationDeclaration(redundancy_groups.RemoveRedundancyGroup, redundancy_groups.remove, {"id": "rg"}),
        RemoveRedundancyGroupInput,
        "Remove a redundancy group. Its relationships remain, and the item needs each of them again.",
        "The removed redundancy group, or why it was not removed.",
        payload=RedundancyGroupRemovalPayload,
    )
