"""The viewer: who asks, and what they may do."""

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
    "Whether a person, a program or the developer of a laptop asks.",
    USER="A person.",
    SERVICE="A program.",
    DEVELOPMENT="The developer of a server that runs on a laptop.",
)


async def _teams(context: Context, principal: Principal, _: Mapping[str, Any]) -> list[Any]:
    found = await context.loader(TeamByKey).load_many(sorted(principal.team_keys))
    return [team for team in found if team is not None]


@strawberry.type(description="Who asks, and what they may do.")
class Viewer:
    record = Principal

    subject: str = attribute("What the identity provider calls you; for a program, its name.")
    name: str = attribute("A name to show.")
    kind: PrincipalKind = attribute("Whether you are a person, a program or a developer on a laptop.")
    permissions: list[str] = attribute(
        "What you may do, in order, for example `incidents:read`; `*` is everything.",
        of=lambda principal: sorted(principal.permissions),
        size=50,
    )
    team_keys: list[str] = attribute(
        "The keys of your teams, in order, as your credentials say.",
        of=lambda principal: sorted(principal.team_keys),
        size=5,
    )
    teams: list[LazyTeam] | None = field(
        _teams,
        "Your teams, by key; those that are not known here are left out. One statement.",
        needs="teams:read",
        size=5,
    )


@strawberry.type
class ViewerQueries:
    viewer: Viewer = field(
        lambda context, _parent, _arguments: context.principal,
        "Who you are and what you may do. Asks no store unless you select `teams`.",
        needs=None,
    )
