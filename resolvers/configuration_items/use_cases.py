"""Write configuration items: create one or many, update, retire and restore."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.configuration_items import writes as rows
from datasources.records.configuration_items import (
    ConfigurationItemRecord,
    ConfigurationItemStatus,
    Criticality,
    Environment,
)
from resolvers import validation
from resolvers.bulk import MAX_BULK_ITEMS, BulkMode, ItemErrors, check_count
from resolvers.commands import ConfigurationItemId, ExpectedVersion, TeamId
from resolvers.unit_of_work import (
    GENERATED_COLUMNS,
    UserError,
    UserErrorCode,
    ValidationFailed,
    Write,
    audit_snapshot,
    is_same_json,
)

TABLE = "configuration_items"
ENTITY = "CONFIGURATION_ITEM"
NOUN = "configuration item"
RETIRED = ConfigurationItemStatus.RETIRED
NON_RETIRED_STATUSES = (
    ConfigurationItemStatus.PLANNED,
    ConfigurationItemStatus.ACTIVE,
    ConfigurationItemStatus.MAINTENANCE,
)


class NewConfigurationItem(Struct, frozen=True, kw_only=True):
    """One new configuration item of a bulk write."""

    name: Annotated[str, Meta(description="Its name, at most 500 characters; not unique.")]
    class_key: Annotated[str, Meta(description="The key of its class, for example `service`.")]
    status: Annotated[ConfigurationItemStatus | UnsetType | None, Meta(description="Default ACTIVE.")] = UNSET
    environment: Annotated[Environment | UnsetType | None, Meta(description="Default UNKNOWN.")] = UNSET
    criticality: Annotated[Criticality | UnsetType | None, Meta(description="Default MEDIUM.")] = UNSET
    owner_team_id: Annotated[TeamId | UnsetType | None, Meta(description="The team that owns it.")] = UNSET
    attributes: Annotated[
        dict[str, Any] | UnsetType | None, Meta(description="Further attributes: an object. Default: an empty object.")
    ] = UNSET


class CreateConfigurationItem(NewConfigurationItem, frozen=True, kw_only=True):
    """A new configuration item."""


class CreateConfigurationItemsInBulk(Struct, frozen=True, kw_only=True):
    """New configuration items, inserted by one statement."""

    items: Annotated[tuple[NewConfigurationItem, ...], Meta(description=f"The items, at most {MAX_BULK_ITEMS:,}.")]
    mode: Annotated[BulkMode, Meta(description="What happens to the other items if one breaks a rule.")]


class ConfigurationItemCommand(Struct, frozen=True, kw_only=True):
    """The fields that all commands for one configuration item share."""

    id: ConfigurationItemId
    expected_version: ExpectedVersion


class UpdateConfigurationItem(ConfigurationItemCommand, frozen=True, kw_only=True):
    """New values of a configuration item. Omitted fields stay unchanged."""

    name: Annotated[str | UnsetType | None, Meta(description="Its name, at most 500 characters.")] = UNSET
    class_key: Annotated[str | UnsetType | None, Meta(description="The key of its class.")] = UNSET
    status: Annotated[
        ConfigurationItemStatus | UnsetType | None,
        Meta(description="PLANNED, ACTIVE or MAINTENANCE; `retireConfigurationItem` retires it."),
    ] = UNSET
    environment: Annotated[Environment | UnsetType | None, Meta(description="What it is used for.")] = UNSET
    criticality: Annotated[
        Criticality | UnsetType | None, Meta(description="How much the organisation depends on it.")
    ] = UNSET
    owner_team_id: Annotated[TeamId | UnsetType | None, Meta(description="The team that owns it; null for none.")] = (
        UNSET
    )
    attributes: Annotated[
        dict[str, Any] | UnsetType | None,
        Meta(description="Further attributes: an object that replaces the current one."),
    ] = UNSET


class RetireConfigurationItem(ConfigurationItemCommand, frozen=True, kw_only=True):
    """The configuration item to retire."""


class RestoreConfigurationItem(ConfigurationItemCommand, frozen=True, kw_only=True):
    """The retired configuration item to restore."""

    status: Annotated[
        ConfigurationItemStatus | UnsetType | None, Meta(description="PLANNED, ACTIVE or MAINTENANCE. Default ACTIVE.")
    ] = UNSET


async def create(write: Write, command: CreateConfigurationItem) -> Sequence[str]:
    """Return the new item's id. Refused for an empty name, invalid attributes, or an unknown class or team."""
    return await _create(write, (command,), ItemErrors(), BulkMode.ALL_OR_NOTHING)


async def create_in_bulk(write: Write, command: CreateConfigurationItemsInBulk) -> Sequence[str]:
    """Return the new items' ids in input order. Rules as for `create`; the number of statements is constant."""
    return await _create(write, command.items, ItemErrors("items"), command.mode)


async def _create(
    write: Write, commands: Sequence[NewConfigurationItem], findings: ItemErrors, mode: BulkMode
) -> Sequence[str]:
    check_count(commands)
    records = [_new(each) for each in commands]
    await _check(write, records, findings)
    findings.report_to(write, mode)
    created = [record for index, record in enumerate(records) if findings.is_valid(index)]
    if created:
        await rows.insert(write.transaction, created)
    for record in created:
        write.record_change(TABLE, ENTITY, record.id, None, audit_snapshot(record, GENERATED_COLUMNS))
    return [record.id for record in created]


async def update(write: Write, command: UpdateConfigurationItem) -> Sequence[str]:
    """Return the item's id; nothing is written if nothing changes. Refused as `create`, and for a retired item."""
    before = await _lock(write, command)
    _check_not_null(command)
    if command.status is RETIRED:
        message = "use retireConfigurationItem to retire an item; here the status is PLANNED, ACTIVE or MAINTENANCE"
        raise ValidationFailed(UserError(UserErrorCode.INVALID, "status", message))
    if before.status is RETIRED:
        message = "the item is RETIRED and cannot be changed; restore it first with restoreConfigurationItem"
        raise ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, "id", message), id=before.id)
    values = {
        name: getattr(command, name)
        for name in command.__struct_fields__
        if name not in {"id", "expected_version"} and getattr(command, name) is not UNSET
    }
    if "name" in values:
        values["name"] = values["name"].strip()
    after = structs.replace(before, **values)
    findings = ItemErrors()
    await _check(write, [after], findings, frozenset(values))
    findings.report_to(write, BulkMode.ALL_OR_NOTHING)
    return await _write(write, before, after)


async def retire(write: Write, command: RetireConfigurationItem) -> Sequence[str]:
    """Return the item's id. Refused unless it is planned, active or in maintenance."""
    before = await _lock(write, command)
    if before.status is RETIRED:
        message = "the item is already RETIRED; it can be restored with restoreConfigurationItem"
        raise ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, "id", message), id=before.id)
    return await _write(write, before, structs.replace(before, status=RETIRED))


async def restore(write: Write, command: RestoreConfigurationItem) -> Sequence[str]:
    """Return the item's id. Refused unless it is retired, and for the target status RETIRED."""
    before = await _lock(write, command)
    status = command.status or ConfigurationItemStatus.ACTIVE
    if status not in NON_RETIRED_STATUSES:
        message = "an item is restored to PLANNED, ACTIVE or MAINTENANCE"
        raise ValidationFailed(UserError(UserErrorCode.INVALID, "status", message))
    if before.status is not RETIRED:
        message = f"the item is {before.status}, not RETIRED; use updateConfigurationItem or retireConfigurationItem"
        raise ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, "id", message), id=before.id)
    return await _write(write, before, structs.replace(before, status=status))


async def _lock(write: Write, command: ConfigurationItemCommand) -> ConfigurationItemRecord:
    locked = await rows.lock(write.transaction, [command.id])
    return validation.require_version(locked.get(command.id), NOUN, command.expected_version)


async def _write(write: Write, before: ConfigurationItemRecord, after: ConfigurationItemRecord) -> Sequence[str]:
    if not is_same_json(before, after):
        await rows.update(write.transaction, after)
        write.record_change(
            TABLE, ENTITY, after.id, audit_snapshot(before, GENERATED_COLUMNS), audit_snapshot(after, GENERATED_COLUMNS)
        )
    return [after.id]


async def _check(
    write: Write,
    records: Sequence[ConfigurationItemRecord],
    findings: ItemErrors,
    fields: frozenset[str] = frozenset({"name", "class_key", "owner_team_id", "attributes"}),
) -> None:
    """Check the rules of these fields. Needs one statement for classes and one for teams, if there are any."""
    classes = {each.class_key for each in records} if "class_key" in fields else set()
    teams = {each.owner_team_id for each in records if each.owner_team_id} if "owner_team_id" in fields else set()
    known = await rows.lock_classes(write.transaction, filter(validation.is_storable, classes)) if classes else set()
    known_teams = await rows.lock_teams(write.transaction, teams) if teams else set()
    for index, record in enumerate(records):
        unfit_name = validation.name_violation(record.name) if "name" in fields else None
        if unfit_name is not None:
            findings.add(index, UserErrorCode.INVALID, "name", f"a configuration item's name {unfit_name}")
        if "class_key" in fields and record.class_key not in known:
            message = f"there is no class {record.class_key}; see `classes`"
            findings.add(index, UserErrorCode.NOT_FOUND, "class_key", message)
        if record.owner_team_id in teams - known_teams:
            findings.add(index, UserErrorCode.NOT_FOUND, "owner_team_id", "there is no team with this id; see `teams`")
        unfit = validation.attributes_violation(record.attributes) if "attributes" in fields else None
        if unfit is not None:
            findings.add(index, UserErrorCode.INVALID, "attributes", unfit)


def _check_not_null(command: UpdateConfigurationItem) -> None:
    # Only the owner can be removed.
    required = ("name", "class_key", "status", "environment", "criticality", "attributes")
    nulls = [name for name in required if getattr(command, name) is None]
    if nulls:
        raise ValidationFailed(*map(validation.null_error, nulls))


def _new(command: NewConfigurationItem) -> ConfigurationItemRecord:
    return ConfigurationItemRecord(
        id=str(uuid7()),
        name=command.name.strip(),
        class_key=command.class_key,
        status=command.status or ConfigurationItemStatus.ACTIVE,
        environment=command.environment or Environment.UNKNOWN,
        criticality=command.criticality or Criticality.MEDIUM,
        owner_team_id=command.owner_team_id or None,
        attributes={} if command.attributes is UNSET or command.attributes is None else command.attributes,
        version=1,
        valid_from=datetime.now(UTC),
    )
