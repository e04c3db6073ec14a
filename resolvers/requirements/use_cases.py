"""Requirements written, in the requirements database: asked for, reworded, linked, and taken from state to state."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.requirements import writes as rows
from datasources.records.requirements import RequirementKind, RequirementPriority, RequirementRecord, RequirementState
from resolvers import validation as rules
from resolvers.state_machine import Transition, define_state_machine
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, audit_snapshot

DATABASE = "requirements"
TABLE, ENTITY, LINKS, NOUN = "requirements", "REQUIREMENT", "requirement_configuration_items", "requirement"

# Characters of a description. The words of a row are indexed as one value of at most 1 MB.
MAX_DESCRIPTION_LENGTH = 100_000

PROPOSED, ACCEPTED, MET = RequirementState.PROPOSED, RequirementState.ACCEPTED, RequirementState.MET
REJECTED, WITHDRAWN = RequirementState.REJECTED, RequirementState.WITHDRAWN

# What is met stays as it was met: other words, or one more item, may not be met.
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

    key: str
    title: str
    description: str = ""
    kind: RequirementKind = RequirementKind.FUNCTIONAL
    priority: RequirementPriority = RequirementPriority.MEDIUM
    configuration_item_ids: tuple[str, ...] = ()


class UpdateRequirement(Struct, frozen=True, kw_only=True):
    """What must hold. What is left out stays; the key stays for ever."""

    id: str
    expected_version: int
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    kind: RequirementKind | UnsetType | None = UNSET
    priority: RequirementPriority | UnsetType | None = UNSET


class RequirementCommand(Struct, frozen=True, kw_only=True):
    """A step with nothing more to say."""

    id: str
    expected_version: int


class AcceptRequirement(RequirementCommand, frozen=True, kw_only=True):
    """It is agreed to."""


class RejectRequirement(RequirementCommand, frozen=True, kw_only=True):
    """It is decided against."""


class MeetRequirement(RequirementCommand, frozen=True, kw_only=True):
    """It is met."""


class ReopenRequirement(RequirementCommand, frozen=True, kw_only=True):
    """It is not met after all."""


class WithdrawRequirement(RequirementCommand, frozen=True, kw_only=True):
    """Nobody asks for it any more."""


class ReconsiderRequirement(RequirementCommand, frozen=True, kw_only=True):
    """Somebody asks for it again."""


class LinkRequirementItems(RequirementCommand, frozen=True, kw_only=True):
    """Items that must meet it."""

    configuration_item_ids: tuple[str, ...]


class UnlinkRequirementItems(LinkRequirementItems, frozen=True, kw_only=True):
    """Items that need not meet it."""


async def create(write: Write, command: CreateRequirement) -> Sequence[str]:
    """The new requirement's id. Refused if its key is taken."""
    wanted = RequirementRecord(
        str(uuid7()), _text(command.key, "key"), _text(command.title, "title"), _description(command.description),
        command.kind, PROPOSED, command.priority, 1, datetime.now(UTC),
    )  # fmt: skip
    items = await _require_items(write, command.configuration_item_ids)
    record = await rows.insert(write.transaction, wanted)
    if record is None:
        message = f"there is a requirement {wanted.key}; choose another key"
        raise ValidationFailed(UserError(UserErrorCode.TAKEN, "key", message))
    await rows.link(write.transaction, record.id, items)
    write.tables.add(LINKS)
    write.record_change(TABLE, ENTITY, record.id, None, audit_snapshot(record, items=items))
    return [record.id]


async def update(write: Write, command: UpdateRequirement) -> Sequence[str]:
    """What must hold."""
    before, _ = await _lock(write, command, "updateRequirement")
    after = structs.replace(
        before,
        title=_text(rules.or_current(command.title, before.title, "title"), "title"),
        description=_description(rules.or_current(command.description, before.description, "description")),
        kind=rules.or_current(command.kind, before.kind, "kind"),
        priority=rules.or_current(command.priority, before.priority, "priority"),
    )
    return await _write_transition(write, before, after)


async def transition(write: Write, command: RequirementCommand, *, name: str) -> Sequence[str]:
    """The requirement after a step that has one target and nothing more to say. `name` is the mutation's."""
    before, step = await _lock(write, command, name)
    [target] = step.targets
    return await _write_transition(write, before, structs.replace(before, state=RequirementState(target)))


async def link_items(write: Write, command: LinkRequirementItems) -> Sequence[str]:
    """The items that must meet the requirement, with those that had to."""
    # Before the lock: nobody waits for a row of this database while the other one is asked.
    items = await _require_items(write, command.configuration_item_ids)
    before, _ = await _lock(write, command, "linkRequirementItems")
    linked = await rows.link(write.transaction, before.id, items)
    write.tables.add(LINKS)
    return await _write_transition(write, before, before, linked=sorted(linked))


async def unlink_items(write: Write, command: UnlinkRequirementItems) -> Sequence[str]:
    """The items that need not meet the requirement. Refused if one of them never had to. Asks only this database, so
    an item that the main one no longer knows can be unlinked as well."""
    before, _ = await _lock(write, command, "unlinkRequirementItems")
    wanted = set(command.configuration_item_ids)
    unlinked = await rows.unlink(write.transaction, before.id, sorted(wanted))
    if strangers := sorted(wanted - unlinked):
        message = f"ci_{strangers[0]} is not linked; see the requirement's configurationItems"
        raise rules.not_found("configurationItemIds", message)
    write.tables.add(LINKS)
    return await _write_transition(write, before, before, unlinked=sorted(unlinked))


async def _require_items(write: Write, ids: Sequence[str]) -> Sequence[str]:
    """The items, each once; the main database has all of them now. It is not asked where there are none."""
    if not ids:
        return []
    async with write.context.sources.main.transaction() as main:
        return await rules.require_items(main, ids, "configurationItemIds")


async def _lock(
    write: Write, command: RequirementCommand | UpdateRequirement, name: str
) -> tuple[RequirementRecord, Transition]:
    found = await rows.lock(write.transaction, command.id)
    record = rules.require_version(found, NOUN, command.expected_version)
    return record, STATE_MACHINE.require_transition(name, record.state)


async def _write_transition(
    write: Write, before: RequirementRecord, after: RequirementRecord, **links: Any
) -> Sequence[str]:
    record = await rows.update(write.transaction, after)
    write.record_change(TABLE, ENTITY, record.id, audit_snapshot(before), audit_snapshot(record, **links))
    return [record.id]


def _text(text: str, field: str) -> str:
    stripped = text.strip()
    unfit = rules.name_violation(stripped)
    if unfit is not None:
        raise rules.invalid(field, f"the {field} {unfit}")
    return stripped


def _description(text: str) -> str:
    if len(text) > MAX_DESCRIPTION_LENGTH:
        raise rules.invalid("description", f"the description has {len(text):,} characters; use at most 100,000")
    return text
