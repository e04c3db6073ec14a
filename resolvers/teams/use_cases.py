"""Write teams and their memberships."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.teams import writes as rows
from datasources.records.teams import MembershipRole, TeamRecord
from datasources.records.users import MembershipRecord
from resolvers import validation
from resolvers.commands import ExpectedVersion, TeamId, UserId
from resolvers.unit_of_work import AuditSnapshot, UserError, UserErrorCode, ValidationFailed, Write, audit_snapshot

TABLE = "teams"
ENTITY = "TEAM"
MEMBERSHIPS = "team_memberships"

_KEY = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


class CreateTeam(Struct, frozen=True, kw_only=True):
    """A new team."""

    key: Annotated[str, Meta(description="Its short name, unique, for example `payments`. It cannot be changed.")]
    name: Annotated[str, Meta(description="Its name.")]
    description: Annotated[str, Meta(description="What it does.")] = ""
    contact: Annotated[str, Meta(description="How to reach it, for example a channel.")] = ""


class TeamCommand(Struct, frozen=True, kw_only=True):
    """The fields that all commands for one team share."""

    id: TeamId
    expected_version: ExpectedVersion


class UpdateTeam(TeamCommand, frozen=True, kw_only=True):
    """New values of a team. Omitted fields stay unchanged."""

    name: Annotated[str | UnsetType | None, Meta(description="Its name.")] = UNSET
    description: Annotated[str | UnsetType | None, Meta(description="What it does.")] = UNSET
    contact: Annotated[str | UnsetType | None, Meta(description="How to reach it, for example a channel.")] = UNSET


class SetTeamMember(TeamCommand, frozen=True, kw_only=True):
    """A member of a team and the role. `id` is the id of the team."""

    user_id: Annotated[UserId, Meta(description="The person.")]
    role: Annotated[MembershipRole, Meta(description="The new role of the person in the team.")] = MembershipRole.MEMBER


class RemoveTeamMember(TeamCommand, frozen=True, kw_only=True):
    """The member to remove from a team. `id` is the id of the team."""

    user_id: Annotated[UserId, Meta(description="The person.")]


async def create(write: Write, command: CreateTeam) -> Sequence[str]:
    """Return the new team's id. Refused if its key is taken: access to restricted incidents depends on the key."""
    if not _KEY.fullmatch(command.key):
        message = "a key consists of small letters and digits, joined by single dots, dashes or underscores"
        raise validation.invalid("key", message)
    validation.require_name(command.key, "key")
    name = validation.require_name(command.name, "name")
    wanted = TeamRecord(
        id=str(uuid7()), key=command.key, name=name, description=command.description, contact=command.contact,
        version=1, updated_at=datetime.now(UTC),
    )  # fmt: skip
    record = await rows.insert(write.transaction, wanted)
    if record is None:
        message = f"the key {command.key} is taken by another team; choose another key"
        raise ValidationFailed(UserError(UserErrorCode.TAKEN, "key", message))
    write.record_change(TABLE, ENTITY, record.id, None, _team_snapshot(record, []))
    return [record.id]


async def update(write: Write, command: UpdateTeam) -> Sequence[str]:
    """Update the team."""
    before, members = await _lock(write, command)
    after = structs.replace(
        before,
        name=validation.require_name(validation.or_current(command.name, before.name, "name"), "name"),
        description=validation.or_current(command.description, before.description, "description"),
        contact=validation.or_current(command.contact, before.contact, "contact"),
    )
    return await _write_team(write, before, after, members, members)


async def set_member(write: Write, command: SetTeamMember) -> Sequence[str]:
    """Add a member or change the role. Refused if the team would lose its last lead."""
    before, members = await _lock(write, command)
    await validation.require_user(write.transaction, command.user_id, "user_id")
    if command.role is not MembershipRole.LEAD:
        _require_lead(members, command.user_id, "role")
    await rows.set_membership(write.transaction, before.id, command.user_id, command.role)
    left = await rows.fetch_memberships(write.transaction, before.id)
    return await _write_team(write, before, before, members, left)


async def remove_member(write: Write, command: RemoveTeamMember) -> Sequence[str]:
    """Remove a member. Refused for the last lead."""
    before, members = await _lock(write, command)
    if command.user_id not in {each.user_id for each in members}:
        raise validation.not_found("user_id", "no member of the team has this id; see its `members`")
    _require_lead(members, command.user_id, "user_id")
    await rows.remove_membership(write.transaction, before.id, command.user_id)
    left = await rows.fetch_memberships(write.transaction, before.id)
    return await _write_team(write, before, before, members, left)


def _require_lead(members: Sequence[MembershipRecord], leaving: str, field: str) -> None:
    leads = {each.user_id for each in members if each.role == MembershipRole.LEAD}
    if leads == {leaving}:
        raise validation.invalid(field, "this is the team's last lead; make another member a lead first")


async def _lock(write: Write, command: TeamCommand) -> tuple[TeamRecord, list[MembershipRecord]]:
    current = await rows.lock(write.transaction, command.id)
    record = validation.require_version(current, "team", command.expected_version)
    return record, await rows.fetch_memberships(write.transaction, record.id)


async def _write_team(
    write: Write,
    before: TeamRecord,
    after: TeamRecord,
    members: Sequence[MembershipRecord],
    left: Sequence[MembershipRecord],
) -> Sequence[str]:
    # Memberships have no outbox rows of their own: the team's new version represents them.
    record = await rows.update(write.transaction, after)
    write.tables.add(MEMBERSHIPS)
    write.record_change(TABLE, ENTITY, record.id, _team_snapshot(before, members), _team_snapshot(record, left))
    return [record.id]


def _team_snapshot(record: TeamRecord, members: Sequence[MembershipRecord]) -> AuditSnapshot:
    return audit_snapshot(record, members={each.user_id: str(each.role) for each in members})
