"""Teams written by clients, and who is in them."""

import strawberry
from strawberry.types.unset import UNSET

from datasources.records.teams import MembershipRole
from resolvers.teams import use_cases
from resolvers.teams.loaders import TeamById
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    UserErrorType,
    VersionedInput,
    mutation,
    user_errors,
)
from schema.teams.types import Team

WRITE_PERMISSION = "teams:write"
ID_PREFIXES = {"id": "team"}
MEMBER_PREFIXES = ID_PREFIXES | {"user_id": "user"}


@strawberry.input(description="A new team.")
class CreateTeamInput:
    key: str = strawberry.field(description="Its short name for good, unique, for example `payments`.")
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(default="", description="What it does.")
    contact: str = strawberry.field(default="", description="How to reach it, for example a channel.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="What is said of a team. What is left out stays.")
class UpdateTeamInput(VersionedInput):
    name: str | None = strawberry.field(default=UNSET, description="Its name.")
    description: str | None = strawberry.field(default=UNSET, description="What it does.")
    contact: str | None = strawberry.field(default=UNSET, description="How to reach it, for example a channel.")


@strawberry.input(description="What somebody is in a team. `id` is the team's.")
class SetTeamMemberInput(VersionedInput):
    user_id: strawberry.ID = strawberry.field(description="The person.")
    role: MembershipRole = strawberry.field(
        default=MembershipRole.MEMBER, description="What the person is in the team from now on."
    )


@strawberry.input(description="Somebody who is no longer in a team. `id` is the team's.")
class RemoveTeamMemberInput(VersionedInput):
    user_id: strawberry.ID = strawberry.field(description="The person.")


@strawberry.type
class TeamPayload:
    """What every payload about one team holds."""

    team: Team | None = link(TeamById, "The team as it is now.", key="id", needs="teams:read")
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The new team, or why there is none.")
class CreateTeamPayload(TeamPayload):
    pass


@strawberry.type(description="The team, or why nothing was written.")
class UpdateTeamPayload(TeamPayload):
    pass


@strawberry.type(description="The team, or why the person is not what was asked for.")
class SetTeamMemberPayload(TeamPayload):
    pass


@strawberry.type(description="The team, or why the person is still in it.")
class RemoveTeamMemberPayload(TeamPayload):
    pass


@strawberry.type
class TeamMutations:
    create_team: CreateTeamPayload | None = mutation(
        MutationDeclaration(use_cases.CreateTeam, use_cases.create),
        CreateTeamInput,
        "Make a team. Nobody is in it yet.",
        needs=WRITE_PERMISSION,
    )
    update_team: UpdateTeamPayload | None = mutation(
        MutationDeclaration(use_cases.UpdateTeam, use_cases.update, ID_PREFIXES),
        UpdateTeamInput,
        "Describe a team anew. Its key stays.",
        needs=WRITE_PERMISSION,
    )
    set_team_member: SetTeamMemberPayload | None = mutation(
        MutationDeclaration(use_cases.SetTeamMember, use_cases.set_member, MEMBER_PREFIXES),
        SetTeamMemberInput,
        "Put somebody into a team, or give a member another role. The last lead stays one.",
        needs=WRITE_PERMISSION,
    )
    remove_team_member: RemoveTeamMemberPayload | None = mutation(
        MutationDeclaration(use_cases.RemoveTeamMember, use_cases.remove_member, MEMBER_PREFIXES),
        RemoveTeamMemberInput,
        "Take somebody out of a team. The last lead stays.",
        needs=WRITE_PERMISSION,
    )
