"""Relationships and redundancy groups written by clients."""

import strawberry
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from resolvers.bulk import MAX_BULK_ITEMS, BulkMode
from resolvers.relationships import redundancy_groups as groups
from resolvers.relationships import use_cases
from resolvers.relationships.loaders import RedundancyGroupById, RelationshipById
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
from schema.relationships.types import READ_PERMISSION, RedundancyGroup, Relationship

WRITE_PERMISSION = "relationships:write"


@strawberry.input(description="A relationship of two configuration items, one of many.")
class NewRelationshipInput:
    from_id: strawberry.ID = strawberry.field(description="The item where it begins.")
    to_id: strawberry.ID = strawberry.field(description="The item where it ends; another one.")
    type_key: str = strawberry.field(description="The key of its type, for example `depends_on`.")
    attributes: JSON | None = strawberry.field(default=UNSET, description="Whatever else is known of it: an object.")
    source: str | None = strawberry.field(default=UNSET, description="Who says so. Default `manual`.")
    redundancy_group_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="A redundancy group of the item that a failure along it impacts."
    )


@strawberry.input(description="A relationship of two configuration items.")
class RelateConfigurationItemsInput(NewRelationshipInput):
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="Relationships of configuration items, made by one statement.")
class RelateConfigurationItemsInBulkInput:
    items: list[NewRelationshipInput] = strawberry.field(description=f"The relationships, at most {MAX_BULK_ITEMS:,}.")
    mode: BulkMode = strawberry.field(description="What becomes of the others where one breaks a rule.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="What is said of a relationship. What is left out stays.")
class UpdateRelationshipInput(SeenInput):
    attributes: JSON | None = strawberry.field(
        default=UNSET, description="All that else is known of it: an object in place of the one there is."
    )
    redundancy_group_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="A redundancy group of the item that a failure along it impacts; null for none."
    )


@strawberry.input(description="A relationship that holds no longer.")
class UnrelateConfigurationItemsInput(SeenInput):
    pass


@strawberry.input(description="A redundancy group of a configuration item, by its name.")
class DefineRedundancyGroupInput:
    dependent_id: strawberry.ID = strawberry.field(description="The item that the group keeps up.")
    name: str = strawberry.field(description="Its name, unique for the item; a group of this name is made anew.")
    needed: int = strawberry.field(
        description="The item fails when fewer members are healthy: 1 to the count of different items."
    )
    relationship_ids: list[strawberry.ID] = strawberry.field(
        description="All its members: relationships along which a failure impacts the item, at most 1,000."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="A redundancy group that is none any more.")
class RemoveRedundancyGroupInput:
    id: strawberry.ID = strawberry.field(description="Its global id.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


def _relationship_field() -> Relationship | None:
    found: Relationship | None = link(
        RelationshipById,
        "The relationship as it is now, also after a conflict; null where there is none.",
        key="id",
        needs=READ_PERMISSION,
    )
    return found


def _group_field() -> RedundancyGroup | None:
    found: RedundancyGroup | None = link(
        RedundancyGroupById, "The group as it is now; null where there is none.", key="id", needs=READ_PERMISSION
    )
    return found


@strawberry.type(description="The relationship, new or not, or why there is none.")
class RelateConfigurationItemsPayload:
    relationship: Relationship | None = _relationship_field()
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The relationships, and what was wrong with others.")
class RelateConfigurationItemsInBulkPayload:
    ids: list[strawberry.ID] = attribute(
        "The global ids of those that hold now, new or not, in order of input; see `nodes`.",
        of=lambda written: [encode_id("rel", each) for each in written.ids],
        size=100,
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The changed relationship, or why it was not changed.")
class UpdateRelationshipPayload:
    relationship: Relationship | None = _relationship_field()
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The relationship that was taken away, or why it still holds.")
class UnrelateConfigurationItemsPayload:
    id: strawberry.ID | None = attribute(
        "Its global id; null where nothing was done.",
        of=lambda written: None if written.user_errors or written.id is None else encode_id("rel", written.id),
    )
    relationship: Relationship | None = _relationship_field()
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The redundancy group, or why there is none.")
class DefineRedundancyGroupPayload:
    redundancy_group: RedundancyGroup | None = _group_field()
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The redundancy group that was removed, or why it was not.")
class RemoveRedundancyGroupPayload:
    id: strawberry.ID | None = attribute(
        "Its global id; null where nothing was done.",
        of=lambda written: None if written.user_errors or written.id is None else encode_id("rg", written.id),
    )
    user_errors: list[UserErrorType] = user_errors()


RELATIONSHIP_PREFIXES = {"from_id": "ci", "to_id": "ci", "redundancy_group_id": "rg"}


@strawberry.type
class RelationshipMutations:
    relate_configuration_items: RelateConfigurationItemsPayload | None = mutation(
        MutationDeclaration(use_cases.RelateConfigurationItems, use_cases.relate, RELATIONSHIP_PREFIXES),
        RelateConfigurationItemsInput,
        "Relate two configuration items. One relationship of the same ends, type and source is changed, not doubled.",
        needs=WRITE_PERMISSION,
    )
    relate_configuration_items_in_bulk: RelateConfigurationItemsInBulkPayload | None = mutation(
        MutationDeclaration(
            use_cases.RelateConfigurationItemsInBulk,
            use_cases.relate_in_bulk,
            lists={"items": InputMapping(use_cases.RelateConfigurationItems, RELATIONSHIP_PREFIXES)},
        ),
        RelateConfigurationItemsInBulkInput,
        "Make many relationships in one transaction, in as many statements as one. Errors name the index.",
        needs=WRITE_PERMISSION,
    )
    update_relationship: UpdateRelationshipPayload | None = mutation(
        MutationDeclaration(use_cases.UpdateRelationship, use_cases.update, {"id": "rel", "redundancy_group_id": "rg"}),
        UpdateRelationshipInput,
        "Change what is said of a relationship. Where nothing would change, nothing is written.",
        needs=WRITE_PERMISSION,
    )
    unrelate_configuration_items: UnrelateConfigurationItemsPayload | None = mutation(
        MutationDeclaration(use_cases.UnrelateConfigurationItems, use_cases.unrelate, {"id": "rel"}),
        UnrelateConfigurationItemsInput,
        "Take a relationship away. Its history stays.",
        needs=WRITE_PERMISSION,
    )
    define_redundancy_group: DefineRedundancyGroupPayload | None = mutation(
        MutationDeclaration(
            groups.DefineRedundancyGroup, groups.define, {"dependent_id": "ci", "relationship_ids": "rel"}
        ),
        DefineRedundancyGroupInput,
        "Tell of which relationships a configuration item needs how many; members that are not named leave.",
        needs=WRITE_PERMISSION,
    )
    remove_redundancy_group: RemoveRedundancyGroupPayload | None = mutation(
        MutationDeclaration(groups.RemoveRedundancyGroup, groups.remove, {"id": "rg"}),
        RemoveRedundancyGroupInput,
        "Remove a redundancy group; each of its relationships stays, and is needed again.",
        needs=WRITE_PERMISSION,
    )
