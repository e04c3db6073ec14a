"""Write redundancy groups: relationships of one item of whose targets a minimum number must be healthy."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct, structs
from uuid_utils import uuid7

from datasources.aurora.relationships import redundancy_group_writes as rows
from datasources.aurora.relationships import writes as relationship_rows
from datasources.aurora.relationships.redundancy_group_writes import RedundancyGroupRow
from datasources.errors import SourceConflict
from datasources.records.relationships import RelationshipRecord
from resolvers import validation
from resolvers.commands import ConfigurationItemId, RedundancyGroupId, RelationshipId
from resolvers.relationships.use_cases import write_all
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write

TABLE = "redundancy_groups"
ENTITY = "REDUNDANCY_GROUP"
NOUN = "redundancy group"

# Maximum number of members of a group; one statement writes them all.
MAX_MEMBERS = 1_000


class DefineRedundancyGroup(Struct, frozen=True, kw_only=True):
    """A redundancy group of a configuration item, by its name."""

    dependent_id: Annotated[ConfigurationItemId, Meta(description="The item that depends on the group.")]
    name: Annotated[
        str, Meta(description="Its name, unique for the item; an existing group with this name is replaced.")
    ]
    needed: Annotated[
        int,
        Meta(
            description="The minimum number of healthy members, 1 to the number of distinct items; with fewer, the "
            "item fails."
        ),
    ]
    relationship_ids: Annotated[
        tuple[RelationshipId, ...],
        Meta(description="All its members: relationships through which a failure reaches the item, at most 1,000."),
    ]


class RemoveRedundancyGroup(Struct, frozen=True, kw_only=True):
    """The redundancy group to remove."""

    id: RedundancyGroupId


async def define(write: Write, command: DefineRedundancyGroup) -> Sequence[str]:
    """Return the group's id; nothing is written if nothing changes.

    Refused unless `needed` is from 1 to the number of different member items, and for a relationship that does not
    impact the dependent or is in another group.
    """
    name = command.name.strip()
    _check_values(command, name)
    if not await relationship_rows.lock_endpoints(write.transaction, [command.dependent_id]):
        raise validation.no_such_record("configuration item", "dependent_id")
    group = RedundancyGroupRow(id=str(uuid7()), dependent_id=command.dependent_id, name=name, needed=command.needed)
    before: RedundancyGroupRow | None = None
    if not await rows.insert(write.transaction, group):
        before = await rows.lock_by_name(write.transaction, command.dependent_id, name)
        if before is None:
            raise SourceConflict("main", "a redundancy group was removed meanwhile")
        group = before._replace(needed=command.needed)
    relationships = await rows.lock_relationships(write.transaction, group.id, command.relationship_ids)
    await _check_members(write, command, group, relationships)
    if before is not None and before.needed != group.needed:
        await rows.update(write.transaction, group.id, group.needed)
    members = set(command.relationship_ids)
    moved = [
        (each, structs.replace(each, redundancy_group_id=group.id if each.id in members else None))
        for each in relationships.values()
        if (each.redundancy_group_id == group.id) != (each.id in members)
    ]
    await write_all(write, moved)
    if moved or before != group:
        _record_change(write, group.id, before, group)
    return [group.id]


async def remove(write: Write, command: RemoveRedundancyGroup) -> Sequence[str]:
    """Return the id of the removed group."""
    group = (await rows.lock(write.transaction, [command.id])).get(command.id)
    if group is None:
        raise validation.no_such_record(NOUN)
    members = await rows.lock_relationships(write.transaction, group.id)
    await write_all(write, [(each, structs.replace(each, redundancy_group_id=None)) for each in members.values()])
    await rows.delete(write.transaction, group.id)
    _record_change(write, group.id, group, None)
    return [group.id]


def _record_change(write: Write, id: str, before: RedundancyGroupRow | None, after: RedundancyGroupRow | None) -> None:
    write.record_change(TABLE, ENTITY, id, before and before._asdict(), after and after._asdict())


def _check_values(command: DefineRedundancyGroup, name: str) -> None:
    errors = []
    unfit = validation.name_violation(name)
    if unfit is not None:
        errors.append(UserError(UserErrorCode.INVALID, "name", f"the name {unfit}"))
    if command.needed < 1:
        errors.append(UserError(UserErrorCode.INVALID, "needed", "needed must be at least 1"))
    if len(command.relationship_ids) > MAX_MEMBERS:
        message = f"a group has at most {MAX_MEMBERS:,} members"
        errors.append(UserError(UserErrorCode.INVALID, "relationship_ids", message))
    if errors:
        raise ValidationFailed(*errors)


async def _check_members(
    write: Write,
    command: DefineRedundancyGroup,
    group: RedundancyGroupRow,
    relationships: dict[str, RelationshipRecord],
) -> None:
    impact_edges = await relationship_rows.fetch_impact_edges(write.transaction, command.relationship_ids)
    errors = []
    members: set[str | None] = set()
    for nth, id_ in enumerate(command.relationship_ids):
        field = f"relationship_ids.{nth}"
        if id_ not in relationships:
            errors.append(UserError(UserErrorCode.NOT_FOUND, field, "there is no relationship with this id"))
        elif impact_edges[id_].impact_to_id != group.dependent_id:
            message = "a failure along this relationship does not impact the dependent; name one that does"
            errors.append(UserError(UserErrorCode.INVALID, field, message))
        elif relationships[id_].redundancy_group_id not in {None, group.id}:
            message = "the relationship is a member of another group; remove it from that group first"
            errors.append(UserError(UserErrorCode.TAKEN, field, message))
        else:
            members.add(impact_edges[id_].impact_from_id)
    if not errors and command.needed > len(members):
        message = (
            f"{command.needed} are needed but only {len(members)} different items are members; "
            "add members, or need fewer"
        )
        errors.append(UserError(UserErrorCode.INVALID, "needed", message))
    if errors:
        raise ValidationFailed(*errors)
