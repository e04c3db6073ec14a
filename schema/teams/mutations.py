"""Mutations of teams and their members."""

from functools import partial

import strawberry

from resolvers.teams import use_cases
from resolvers.teams.loaders import TeamById
from schema.declarations.fields import link
from schema.declarations.mutations import mutation
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.teams.types import Team

WRITE_PERMISSION = "teams:write"


@strawberry.type
class TeamPayload:
    """The fields that all payloads with one team share."""

    team: Team | None = link(TeamById, "The team as it is now.", key="id", needs="teams:read")
    user_errors: list[UserErrorType] = user_errors()


team_mutation = partial(mutation, payload=TeamPayload, needs=WRITE_PERMISSION)


@strawberry.type
class TeamMutations:
    create_team = team_mutation(
        use_cases.CreateTeam,
        use_cases.create,
        "Create a team without members.",
        "The new team, or why there is none.",
    )
    update_team = team_mutation(
        use_cases.UpdateTeam,
        use_cases.update,
        "Update a team. Its key cannot be changed.",
        "The updated team, or why it was not updated.",
    )
    set_team_member = team_mutation(
        use_cases.SetTeamMember,
        use_cases.set_member,
        "Add a member to a team, or change the role of a member. The last lead keeps the role.",
        "The team, or why the membership was not changed.",
    )
    remove_team_member = team_mutation(
        use_cases.RemoveTeamMember,
        use_cases.remove_member,
        "Remove a member from a team. The last lead cannot be removed.",
        "The team, or why the member was not removed.",
    )
