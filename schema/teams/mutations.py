"""Mutations of teams and their members."""

from functools import partial

import strawberry
from strawberry.types.unset import UNSET

from datasources.records.teams import MembershipRole
from resolvers.teams import use_cases
from resolvers.teams.loaders import TeamById
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    VersionedInput,
    mutation,
)
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.teams.types import Team

WRITE_PERMISSION = "teams:write"
ID_PREFIXES = {"id": "team"}
MEMBER_PREFIXES = ID_PREFIXES | {"user_id": "user"}


@strawberry.input(description="A new team.")
class CreateTeamInput:
    key: str = strawberry.field(description="Its short name, unique, for example `payments`. It cannot be changed.")
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(default="", description="What it does.")
    contact: str = strawberry.field(default="", description="How to reach it, for example a channel.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="New values of a team. Omitted fields stay unchanged.")
class UpdateTeamInput(VersionedInput):
    name: str | None = strawberry.field(default=UNSET, description="Its name.")
    description: str | None = strawberry.field(default=UNSET, description="What it does.")
    contact: str | None = strawberry.field(default=UNSET, description="How to reach it, for example a channel.")


@strawberry.input(description="A member of a team and the role. `id` is the id of the team.")
class SetTeamMemberInput(VersionedInput):
    user_id: strawberry.ID = strawberry.field(description="The person.")
    role: MembershipRole = strawberry.field(
        default=MembershipRole.MEMBER, description="The new role of the person in the team."
    )


@strawberry.input(description="The member to remove from a team. `id` is the id of the team.")
class RemoveTeamMemberInput(VersionedInput):
    user_id: strawberry.ID = strawberry.field(description="The person.")


@strawberry.type
class TeamPayload:
    """The fields that all payloads with one team share."""

    team: Team | None = link(TeamById, "The team as it is now.", key="id", needs="teams:read")
    user_errors: list[UserErrorType] = user_errors()


team_mutation = partial(mutation, payload=TeamPayload, needs=WRITE_PERMISSION)


@strawberry.type
class TeamMutations:
    create_team = team_mutation(
        MutationDeclaration(use_cases.CreateTeam, use_cases.create),
        CreateTeamInput,
        "Create a team without members.",
        "The new team, or why there is none.",
    )
    update_team = team_mutation(
        MutationDeclaration(use_cases.UpdateTeam, use_cases.update, ID_PREFIXES),
        UpdateTeamInput,
        "Update a team. Its key cannot be changed.",
        "The updated team, or why it was not updated.",
    )
    set_team_member = team_mutation(
        MutationDeclaration(use_cases.SetTeamMember, use_cases.set_member, MEMBER_PREFIXES),
        SetTeamMemberInput,
        "Add a member to a team, or change the role of a member. The last lead keeps the role.",
        "The team, or why the membership was not changed.",
    )
    remove_team_member = team_mutation(
        MutationDeclaration(use_cases.RemoveTeamMember, use_cases.remove_member, MEMBER_PREFIXES),
        RemoveTeamMemberInput,
        "Remove a member from a team. The last lead cannot be removed.",
        "The team, or why the member was not removed.",
    )
