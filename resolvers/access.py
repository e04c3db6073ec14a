"""Who asks, what they may do and which rows they may see. Deny by default."""

from dataclasses import dataclass
from enum import StrEnum

from datasources.records.queries import Scope


class PrincipalKind(StrEnum):
    """Whether a person, a program or the developer of a laptop asks."""

    USER = "USER"
    SERVICE = "SERVICE"
    DEVELOPMENT = "DEVELOPMENT"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. A permission reads `<plural noun>:<verb>`; `*` is every permission."""

    subject: str
    name: str
    kind: PrincipalKind
    permissions: frozenset[str]
    team_keys: frozenset[str] = frozenset()

    def allows(self, permission: str) -> bool:
        """Whether the permission is held."""
        return permission in self.permissions or "*" in self.permissions


def scope_of(principal: Principal) -> Scope:
    """The rows that a principal may see."""
    return Scope(principal.allows("incidents:read_restricted"), tuple(sorted(principal.team_keys)))
