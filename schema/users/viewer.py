"""The viewer: the caller of the request, with permissions and teams."""

from collections.abc import Mapping
from typing import Any

import strawberry

from resolvers.context import Context
from resolvers.principals.principal import Principal, PrincipalKind
from resolvers.teams.loaders import TeamByKey
from schema.declarations.enums import register_enum
from schema.declarations.fields import attribute, field
from schema.lazy_types import LazyTeam

register_enum(
    PrincipalKind,
    "The kind of a caller.",
    USER="A person.",
    SERVICE="A program.",
    DEVELOPMENT="The developer who runs the server on a laptop.",
)


async def _teams(context: Context, principal: Principal, _: Mapping[str, Any]) -> list[Any]:
    teams = await context.loader(TeamByKey).load_many(sorted(principal.team_keys))
    return [team for team in teams if team is not None]


@strawberry.type(description="The caller of the request, with permissions and teams.")
class Viewer:
    record = Principal

    subject: str = attribute("Your subject at the identity provider; for a program, its name.")
    name: str = attribute("Your name to display.")
    kind: PrincipalKind = attribute("Whether you are a person, a program or a developer on a laptop.")
    permissions: list[str] = attribute(
        "Your permissions, in order, for example `incidents:read`; `*` means all permissions.",
        of=lambda principal: sorted(principal.permissions),
        size=50,
    )
    team_keys: list[str] = attribute(
        "The keys of your teams from your credentials, in order.",
        of=lambda principal: sorted(principal.team_keys),
        size=5,
    )
    teams: list[LazyTeam] | None = field(
        _teams,
        "Your teams, by key; unknown teams are left out. One statement.",
        needs="teams:read",
        size=5,
    )


@strawberry.type
class ViewerQueries:
    viewer: Viewer = field(
        lambda context, _parent, _arguments: context.principal,
        "The caller of the request. Costs no statement unless you select `teams`.",
        needs=None,
    )
