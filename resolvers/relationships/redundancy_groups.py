"""Redundancy groups written: of which relationships an item needs how many, so that losing one does not fail it."""

from collections.abc import Sequence

from msgspec import Struct, structs
from uuid_utils import uuid7

from datasources.aurora.relationships import redundancy_group_writes as rows
from datasources.aurora.relationships import writes as relationship_rows
from datasources.aurora.relationships.redundancy_group_writes import RedundancyGroupRow
from datasources.errors import SourceConflict
from datasources.records.relationships import RelationshipRecord
from resolvers import validation as rules
from resolvers.relationships.use_cases import write_all
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write

TABLE, ENTITY, NOUN = "redundancy_groups", "REDUNDANCY_GROUP", "redundancy group"

# Members of one group. A statement writes them all.
MAX_MEMBERS = 1_000


class DefineRedundancyGroup(Struct, frozen=True, kw_only=True):
    """A group by its dependent and name, made or made anew: these relationships and no others are its members."""

    dependent_id: str
    name: str
    needed: int
    relationship_ids: tuple[str, ...]


class RemoveRedundancyGroup(Struct, frozen=True, kw_only=True):
    """A group that is none any more. Its relationships stay."""

    id: str


async def define(write: Write, command: DefineRedundancyGroup) -> Sequence[str]:
    """The group's id; nothing is written where it is so already. Refused unless `needed` is from 1 to the count of
    different items that are members, and for a relationship that does not impact the dependent or is in another
    group."""
    name = command.name.strip()
    _check_values(command, name)
    if not await relationship_rows.lock_endpoints(write.transaction, [command.dependent_id]):
        raise rules.no_such_record("configuration item", "dependentId")
    group = RedundancyGroupRow(str(uuid7()), command.dependent_id, name, command.needed)
    before: RedundancyGroupRow | None = None
    if not await rows.insert(write.transaction, group):
        before = await rows.lock_by_name(write.transaction, command.dependent_id, name)
        if before is None:
            raise SourceConflict("main", "a redundancy group was removed meanwhile")
        group = before._replace(needed=command.needed)
    found = await rows.lock_relationships(write.transaction, group.id, command.relationship_ids)
    await _check_members(write, command, group, found)
    if before is not None and before.needed != group.needed:
        await rows.update(write.transaction, group.id, group.needed)
    members = set(command.relationship_ids)
    moved = [
        (each, structs.replace(each, redundancy_group_id=group.id if each.id in members else None))
        for each in found.values()
        if (each.redundancy_group_id == group.id) != (each.id in members)
    ]
    await write_all(write, moved)
    if moved or before != group:
        _record_change(write, group.id, before, group)
    return [group.id]


async def remove(write: Write, command: RemoveRedundancyGroup) -> Sequence[str]:
    """The id of what was the group."""
    group = (await rows.lock(write.transaction, [command.id])).get(command.id)
    if group is None:
        raise rules.no_such_record(NOUN)
    found = await rows.lock_relationships(write.transaction, group.id)
    await write_all(write, [(each, structs.replace(each, redundancy_group_id=None)) for each in found.values()])
    await rows.delete(write.transaction, group.id)
    _record_change(write, group.id, group, None)
    return [group.id]


def _record_change(write: Write, id: str, before: RedundancyGroupRow | None, after: RedundancyGroupRow | None) -> None:
    write.record_change(TABLE, ENTITY, id, before and before._asdict(), after and after._asdict())


def _check_values(command: DefineRedundancyGroup, name: str) -> None:
    errors = []
    unfit = rules.name_violation(name)
    if unfit is not None:
        errors.append(UserError(UserErrorCode.INVALID, "name", f"the name {unfit}"))
    if command.needed < 1:
        errors.append(UserError(UserErrorCode.INVALID, "needed", "at least 1 member is needed"))
    if len(command.relationship_ids) > MAX_MEMBERS:
        message = f"a group has at most {MAX_MEMBERS:,} members"
        errors.append(UserError(UserErrorCode.INVALID, "relationshipIds", message))
    if errors:
        raise ValidationFailed(*errors)


async def _check_members(
    write: Write, command: DefineRedundancyGroup, group: RedundancyGroupRow, found: dict[str, RelationshipRecord]
) -> None:
    travels = await relationship_rows.fetch_impact_edges(write.transaction, command.relationship_ids)
    errors = []
    members: set[str | None] = set()
    for nth, id_ in enumerate(command.relationship_ids):
        field = f"relationshipIds.{nth}"
        if id_ not in found:
            errors.append(UserError(UserErrorCode.NOT_FOUND, field, "there is no relationship with this id"))
        elif travels[id_].impact_to_id != group.dependent_id:
            message = "a failure along this relationship does not impact the dependent; name one that does"
            errors.append(UserError(UserErrorCode.INVALID, field, message))
        elif found[id_].redundancy_group_id not in {None, group.id}:
            message = "the relationship is a member of another group; take it out there first"
            errors.append(UserError(UserErrorCode.TAKEN, field, message))
        else:
            members.add(travels[id_].impact_from_id)
    if not errors and command.needed > len(members):
        message = (
            f"{command.needed} are needed and {len(members)} different items are members; name more, or need fewer"
        )
        errors.append(UserError(UserErrorCode.INVALID, "needed", message))
    if errors:
        raise ValidationFailed(*errors)
