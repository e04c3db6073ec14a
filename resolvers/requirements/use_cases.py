"""Write requirements, in the requirements database: create, update, link items, and apply transitions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.requirements import writes as rows
from datasources.records.requirements import RequirementKind, RequirementPriority, RequirementRecord, RequirementState
from resolvers import validation
from resolvers.commands import ConfigurationItemId, ExpectedVersion, RequirementId
from resolvers.state_machine import Transition, define_state_machine
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, audit_snapshot

DATABASE = "requirements"
TABLE = "requirements"
ENTITY = "REQUIREMENT"
LINKS = "requirement_configuration_items"
NOUN = "requirement"

# In characters. The words of a row are indexed as one value of at most 1 MB.
MAX_DESCRIPTION_LENGTH = 100_000

PROPOSED = RequirementState.PROPOSED
ACCEPTED = RequirementState.ACCEPTED
MET = RequirementState.MET
REJECTED = RequirementState.REJECTED
WITHDRAWN = RequirementState.WITHDRAWN

# A met requirement cannot be changed: with other words, or one more item, it might not be met.
STATE_MACHINE = define_state_machine(
    Transition("updateRequirement", (PROPOSED, ACCEPTED)),
    Transition("linkRequirementItems", (PROPOSED, ACCEPTED)),
    Transition("unlinkRequirementItems", (PROPOSED, ACCEPTED, MET)),
    Transition("acceptRequirement", (PROPOSED,), (ACCEPTED,)),
    Transition("rejectRequirement", (PROPOSED,), (REJECTED,)),
    Transition("meetRequirement", (ACCEPTED,), (MET,)),
    Transition("reopenRequirement", (MET,), (ACCEPTED,)),
    Transition("withdrawRequirement", (PROPOSED, ACCEPTED, MET), (WITHDRAWN,)),
    Transition("reconsiderRequirement", (REJECTED, WITHDRAWN), (PROPOSED,)),
)


class CreateRequirement(Struct, frozen=True, kw_only=True):
    """A new requirement."""

    key: Annotated[str, Meta(description="Its key, unique, for example `REQ-17`. It cannot be changed.")]
    title: Annotated[str, Meta(description="What must hold, in one line of at most 500 characters.")]
    description: Annotated[str, Meta(description="What must hold, in detail, at most 100,000 characters.")] = ""
    kind: Annotated[RequirementKind, Meta(description="Its kind.")] = RequirementKind.FUNCTIONAL
    priority: Annotated[RequirementPriority, Meta(description="Its priority.")] = RequirementPriority.MEDIUM
    configuration_item_ids: Annotated[
        tuple[ConfigurationItemId, ...], Meta(description="The configuration items that must meet it, at most 500.")
    ] = ()


class RequirementCommand(Struct, frozen=True, kw_only=True):
    """The fields that all commands for one requirement share."""

    id: RequirementId
    expected_version: ExpectedVersion


class UpdateRequirement(RequirementCommand, frozen=True, kw_only=True):
    """New values of a requirement. Omitted fields stay unchanged."""

    title: Annotated[str | UnsetType | None, Meta(description="What must hold, in one line.")] = UNSET
    description: Annotated[str | UnsetType | None, Meta(description="What must hold, in detail.")] = UNSET
    kind: Annotated[RequirementKind | UnsetType | None, Meta(description="Its kind.")] = UNSET
    priority: Annotated[RequirementPriority | UnsetType | None, Meta(description="Its priority.")] = UNSET


class LinkRequirementItems(RequirementCommand, frozen=True, kw_only=True):
    """Configuration items to link to a requirement."""

    configuration_item_ids: Annotated[tuple[ConfigurationItemId, ...], Meta(description="The items, at most 500.")]


class UnlinkRequirementItems(LinkRequirementItems, frozen=True, kw_only=True):
    """Configuration items to unlink from a requirement."""

    configuration_item_ids: Annotated[tuple[ConfigurationItemId, ...], Meta(description="The items.")]


async def create(write: Write, command: CreateRequirement) -> Sequence[str]:
    """Return the new requirement's id. Refused if its key is taken."""
    wanted = RequirementRecord(
        id=str(uuid7()), key=_text(command.key, "key"), title=_text(command.title, "title"),
        description=_description(command.description), kind=command.kind, state=PROPOSED, priority=command.priority,
        version=1, updated_at=datetime.now(UTC),
    )  # fmt: skip
    items = await _require_items(write, command.configuration_item_ids)
    record = await rows.insert(write.transaction, wanted)
    if record is None:
        message = f"the key {wanted.key} is taken by another requirement; choose another key"
        raise ValidationFailed(UserError(UserErrorCode.TAKEN, "key", message))
    await rows.link(write.transaction, record.id, items)
    write.tables.add(LINKS)
    write.record_change(TABLE, ENTITY, record.id, None, audit_snapshot(record, items=items))
    return [record.id]


async def update(write: Write, command: UpdateRequirement) -> Sequence[str]:
    """Update the requirement."""
    before, _ = await _lock(write, command, "updateRequirement")
    after = structs.replace(
        before,
        title=_text(validation.or_current(command.title, before.title, "title"), "title"),
        description=_description(validation.or_current(command.description, before.description, "description")),
        kind=validation.or_current(command.kind, before.kind, "kind"),
        priority=validation.or_current(command.priority, before.priority, "priority"),
    )
    return await _write_transition(write, before, after)


async def transition(write: Write, command: RequirementCommand, *, name: str) -> Sequence[str]:
    """Apply the transition `name`, a mutation that has one target state and no further arguments."""
    before, step = await _lock(write, command, name)
    [target] = step.targets
    return await _write_transition(write, before, structs.replace(before, state=RequirementState(target)))


async def link_items(write: Write, command: LinkRequirementItems) -> Sequence[str]:
    """Link the items; those that are already linked stay."""
    # Before the lock: no row of this database stays locked during the query to the other one.
    items = await _require_items(write, command.configuration_item_ids)
    before, _ = await _lock(write, command, "linkRequirementItems")
    linked = await rows.link(write.transaction, before.id, items)
    write.tables.add(LINKS)
    return await _write_transition(write, before, before, linked=sorted(linked))


async def unlink_items(write: Write, command: UnlinkRequirementItems) -> Sequence[str]:
    """Unlink the items. Refused if one of them is not linked.

    Uses only this database, so an item that no longer exists in the main one can be unlinked.
    """
    before, _ = await _lock(write, command, "unlinkRequirementItems")
    wanted = set(command.configuration_item_ids)
    unlinked = await rows.unlink(write.transaction, before.id, sorted(wanted))
    if strangers := sorted(wanted - unlinked):
        message = f"ci_{strangers[0]} is not linked; see the requirement's configurationItems"
        raise validation.not_found("configuration_item_ids", message)
    write.tables.add(LINKS)
    return await _write_transition(write, before, before, unlinked=sorted(unlinked))


async def _require_items(write: Write, ids: Sequence[str]) -> Sequence[str]:
    """Return the distinct items, which must exist in the main database. Without ids it is not queried."""
    if not ids:
        return []
    async with write.context.sources.main.transaction() as main:
        return await validation.require_items(main, ids, "configuration_item_ids")


async def _lock(write: Write, command: RequirementCommand, name: str) -> tuple[RequirementRecord, Transition]:
    current = await rows.lock(write.transaction, command.id)
    record = validation.require_version(current, NOUN, command.expected_version)
    return record, STATE_MACHINE.require_transition(name, record.state)


async def _write_transition(
    write: Write, before: RequirementRecord, after: RequirementRecord, **links: Any
) -> Sequence[str]:
    record = await rows.update(write.transaction, after)
    write.record_change(TABLE, ENTITY, record.id, audit_snapshot(before), audit_snapshot(record, **links))
    return [record.id]


def _text(text: str, field: str) -> str:
    stripped = text.strip()
    unfit = validation.name_violation(stripped)
    if unfit is not None:
        raise validation.invalid(field, f"the {field} {unfit}")
    return stripped


def _description(text: str) -> str:
    if len(text) > MAX_DESCRIPTION_LENGTH:
        raise validation.invalid("description", f"the description has {len(text):,} characters; use at most 100,000")
    return text
