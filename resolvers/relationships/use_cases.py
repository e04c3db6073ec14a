"""Write relationships: relate items, one or many, update a relationship, and remove it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.relationships import redundancy_group_writes as group_rows
from datasources.aurora.relationships import writes as rows
from datasources.aurora.relationships.redundancy_group_writes import RedundancyGroupRow
from datasources.aurora.relationships.writes import Identity
from datasources.errors import SourceConflict
from datasources.records.configuration_items import ConfigurationItemStatus
from datasources.records.relationship_types import Impact
from datasources.records.relationships import RelationshipRecord
from resolvers import validation
from resolvers.bulk import MAX_BULK_ITEMS, BulkMode, ItemErrors, check_count
from resolvers.commands import ConfigurationItemId, ExpectedVersion, RedundancyGroupId, RelationshipId
from resolvers.unit_of_work import (
    GENERATED_COLUMNS,
    UserError,
    UserErrorCode,
    ValidationFailed,
    Write,
    audit_snapshot,
    is_same_json,
)

TABLE = "relationships"
ENTITY = "RELATIONSHIP"
NOUN = "relationship"
MANUAL_SOURCE = "manual"


class NewRelationship(Struct, frozen=True, kw_only=True):
    """One new relationship of a bulk write."""

    from_id: Annotated[ConfigurationItemId, Meta(description="The item at its start.")]
    to_id: Annotated[ConfigurationItemId, Meta(description="The item at its end; not the same item.")]
    type_key: Annotated[str, Meta(description="The key of its type, for example `depends_on`.")]
    attributes: Annotated[dict[str, Any] | UnsetType | None, Meta(description="Further attributes: an object.")] = UNSET
    source: Annotated[str | UnsetType | None, Meta(description="The source that declares it. Default `manual`.")] = (
        UNSET
    )
    redundancy_group_id: Annotated[
        RedundancyGroupId | UnsetType | None,
        Meta(description="A redundancy group of the item that a failure along it impacts."),
    ] = UNSET

    @property
    def identity(self) -> Identity:
        source = (self.source or MANUAL_SOURCE).strip()
        return Identity(from_id=self.from_id, to_id=self.to_id, type_key=self.type_key, source=source)


class RelateConfigurationItems(NewRelationship, frozen=True, kw_only=True):
    """The relationship of two configuration items to create or update."""


class RelateConfigurationItemsInBulk(Struct, frozen=True, kw_only=True):
    """Relationships of configuration items, inserted by one statement."""

    items: Annotated[tuple[NewRelationship, ...], Meta(description=f"The relationships, at most {MAX_BULK_ITEMS:,}.")]
    mode: Annotated[BulkMode, Meta(description="What happens to the other items if one breaks a rule.")]


class RelationshipCommand(Struct, frozen=True, kw_only=True):
    """The fields that all commands for one relationship share."""

    id: RelationshipId
    expected_version: ExpectedVersion


class UpdateRelationship(RelationshipCommand, frozen=True, kw_only=True):
    """New values of a relationship. Omitted fields stay unchanged."""

    attributes: Annotated[
        dict[str, Any] | UnsetType | None,
        Meta(description="Further attributes: an object that replaces the current one."),
    ] = UNSET
    redundancy_group_id: Annotated[
        RedundancyGroupId | UnsetType | None,
        Meta(description="A redundancy group of the item that a failure along it impacts; null for none."),
    ] = UNSET


class UnrelateConfigurationItems(RelationshipCommand, frozen=True, kw_only=True):
    """The relationship to delete."""


async def relate(write: Write, command: RelateConfigurationItems) -> Sequence[str]:
    """Return the relationship's id, also of an existing one. Refused if both ends are the same item, for a retired or
    unknown end, an unknown type, and a redundancy group of another dependent."""
    return await _relate(write, (command,), ItemErrors(), BulkMode.ALL_OR_NOTHING)


async def relate_in_bulk(write: Write, command: RelateConfigurationItemsInBulk) -> Sequence[str]:
    """Return the relationships' ids in input order. Rules as for `relate`; the number of statements is constant."""
    return await _relate(write, command.items, ItemErrors("items"), command.mode)


async def _relate(
    write: Write, commands: Sequence[NewRelationship], findings: ItemErrors, mode: BulkMode
) -> Sequence[str]:
    check_count(commands)
    await _check(write, commands, findings)
    storable = [each.identity for each in commands if validation.is_storable(each.type_key + each.identity.source)]
    existing = await rows.lock_by_identity(write.transaction, storable)
    _check_staying(commands, existing, findings)
    findings.report_to(write, mode)
    valid = [each for index, each in enumerate(commands) if findings.is_valid(index)]
    new = [_new(each) for each in valid if each.identity not in existing]
    if new:
        inserted = await rows.insert(write.transaction, new)
        if len(inserted) < len(new):
            raise SourceConflict("main", "a relationship was created concurrently")
    for record in new:
        write.record_change(TABLE, ENTITY, record.id, None, audit_snapshot(record, GENERATED_COLUMNS))
    known = [(existing[each.identity], each) for each in valid if each.identity in existing]
    await write_all(write, [(before, _apply_changes(before, command)) for before, command in known])
    ids = {rows.identity(record): record.id for record in (*new, *existing.values())}
    return [ids[each.identity] for each in valid]


async def write_all(write: Write, pairs: Sequence[tuple[RelationshipRecord, RelationshipRecord]]) -> None:
    """Write pairs of old and new relationships in one statement; unchanged ones are skipped."""
    changed = [(before, after) for before, after in pairs if not is_same_json(before, after)]
    if changed:
        await rows.update(write.transaction, [after for _, after in changed])
    for before, after in changed:
        write.record_change(
            TABLE, ENTITY, after.id, audit_snapshot(before, GENERATED_COLUMNS), audit_snapshot(after, GENERATED_COLUMNS)
        )


async def update(write: Write, command: UpdateRelationship) -> Sequence[str]:
    """Return the relationship's id; nothing is written if nothing changes. Refused for a redundancy group of another
    dependent, and if a group would have fewer members than it needs."""
    wanted = [command.redundancy_group_id] if command.redundancy_group_id else []
    groups = await group_rows.lock(write.transaction, wanted, [command.id])
    before = await _lock(write, command, groups)
    after = _apply_changes(before, command)
    if command.attributes is None:
        raise ValidationFailed(validation.null_error("attributes"))
    unfit = validation.attributes_violation(after.attributes) if command.attributes is not UNSET else None
    if unfit is not None:
        raise validation.invalid("attributes", unfit)
    if before.redundancy_group_id != after.redundancy_group_id:
        if after.redundancy_group_id is not None:
            impact_edge = (await rows.fetch_impact_edges(write.transaction, [before.id]))[before.id]
            error = group_violation(groups.get(after.redundancy_group_id), impact_edge.impact_to_id)
            if error is not None:
                raise ValidationFailed(UserError(error[0], "redundancy_group_id", error[1]))
        await _check_leaving(write, before, groups, "redundancy_group_id")
    await write_all(write, [(before, after)])
    return [after.id]


async def unrelate(write: Write, command: UnrelateConfigurationItems) -> Sequence[str]:
    """Return the id of the removed relationship. Refused if its redundancy group would have fewer members than it
    needs."""
    groups = await group_rows.lock(write.transaction, [], [command.id])
    before = await _lock(write, command, groups)
    await _check_leaving(write, before, groups, "id")
    await rows.delete(write.transaction, before.id)
    write.record_change(TABLE, ENTITY, before.id, audit_snapshot(before, GENERATED_COLUMNS), None)
    return [before.id]


def group_violation(group: RedundancyGroupRow | None, impacted: str | None) -> tuple[UserErrorCode, str] | None:
    """Return why a relationship whose failure impacts an item cannot be in a group; None if it can."""
    if group is None:
        return UserErrorCode.NOT_FOUND, "there is no redundancy group with this id"
    if group.dependent_id != impacted:
        message = (
            f"the group {group.name} belongs to an item that a failure of this relationship's other end does not impact"
        )
        return UserErrorCode.INVALID, message
    return None


async def _lock(
    write: Write, command: RelationshipCommand, groups: dict[str, RedundancyGroupRow]
) -> RelationshipRecord:
    locked = await rows.lock(write.transaction, [command.id])
    record = validation.require_version(locked.get(command.id), NOUN, command.expected_version)
    if record.redundancy_group_id is not None and record.redundancy_group_id not in groups:
        # Groups are locked before their members; the relationship was added to this group in between.
        raise SourceConflict("main", "a relationship changed its redundancy group meanwhile")
    return record


async def _check_leaving(
    write: Write, record: RelationshipRecord, groups: dict[str, RedundancyGroupRow], field: str
) -> None:
    group = groups.get(record.redundancy_group_id or "")
    if group is None:
        return
    left = await group_rows.count_members(write.transaction, group.id, record.id)
    if left < group.needed:
        message = (
            f"the redundancy group {group.name} needs {group.needed} members and would have {left}; "
            "define it with fewer, or remove it first"
        )
        raise ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, field, message), id=record.id)


async def _check(write: Write, commands: Sequence[NewRelationship], findings: ItemErrors) -> None:
    """Check the rules for new relationships. Needs one statement each for items, types and, if used, groups."""
    items = await rows.lock_endpoints(
        write.transaction, {end for each in commands for end in (each.from_id, each.to_id)}
    )
    keys = {each.type_key for each in commands if validation.is_storable(each.type_key)}
    types = await rows.lock_types(write.transaction, keys)
    wanted = {each.redundancy_group_id for each in commands if each.redundancy_group_id}
    groups = await group_rows.lock(write.transaction, wanted) if wanted else {}
    first: dict[Identity, int] = {}
    for index, each in enumerate(commands):
        for name, id_ in (("from_id", each.from_id), ("to_id", each.to_id)):
            if id_ not in items:
                findings.add(index, UserErrorCode.NOT_FOUND, name, "there is no configuration item with this id")
            elif items[id_] is ConfigurationItemStatus.RETIRED:
                message = "the item is RETIRED; items that are PLANNED, ACTIVE or in MAINTENANCE can be related"
                findings.add(index, UserErrorCode.ILLEGAL_STATE, name, message)
        if each.from_id == each.to_id:
            findings.add(index, UserErrorCode.INVALID, "to_id", "an item cannot be related to itself")
        if each.type_key not in types:
            message = f"there is no relationship type {each.type_key}; see `relationshipTypes`"
            findings.add(index, UserErrorCode.NOT_FOUND, "type_key", message)
        elif each.redundancy_group_id:
            impacted = {Impact.FORWARD: each.to_id, Impact.REVERSE: each.from_id}.get(types[each.type_key])
            error = group_violation(groups.get(each.redundancy_group_id), impacted)
            if error is not None:
                findings.add(index, error[0], "redundancy_group_id", error[1])
        _check_values(each, index, findings)
        earlier = first.setdefault(each.identity, index)
        if earlier != index:
            message = f"items.{earlier} is the same relationship; send it once"
            findings.add(index, UserErrorCode.TAKEN, None, message)


def _check_staying(
    commands: Sequence[NewRelationship], existing: dict[Identity, RelationshipRecord], findings: ItemErrors
) -> None:
    for index, each in enumerate(commands):
        before = existing.get(each.identity)
        if before is None or before.redundancy_group_id is None or each.redundancy_group_id is UNSET:
            continue
        if before.redundancy_group_id != each.redundancy_group_id:
            message = f"rel_{before.id} is a member of another redundancy group; move it with updateRelationship"
            findings.add(index, UserErrorCode.TAKEN, "redundancy_group_id", message)


def _check_values(command: NewRelationship, index: int, findings: ItemErrors) -> None:
    unfit = validation.name_violation(command.identity.source, command.type_key)
    if unfit is not None:
        findings.add(index, UserErrorCode.INVALID, "source", f"the source {unfit}")
    if command.attributes is not UNSET and command.attributes is not None:
        unfit = validation.attributes_violation(command.attributes)
        if unfit is not None:
            findings.add(index, UserErrorCode.INVALID, "attributes", unfit)


def _apply_changes(before: RelationshipRecord, command: NewRelationship | UpdateRelationship) -> RelationshipRecord:
    values: dict[str, Any] = {}
    if command.attributes is not UNSET and command.attributes is not None:
        values["attributes"] = command.attributes
    if command.redundancy_group_id is not UNSET:
        values["redundancy_group_id"] = command.redundancy_group_id
    return structs.replace(before, **values)


def _new(command: NewRelationship) -> RelationshipRecord:
    return RelationshipRecord(
        id=str(uuid7()),
        **command.identity._asdict(),
        attributes=command.attributes or {},
        redundancy_group_id=command.redundancy_group_id or None,
        version=1,
        valid_from=datetime.now(UTC),
    )
