"""The principal of a request, and which rows it may see."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from datasources.records.queries import Scope

EVERYTHING = "*"
READ_RESTRICTED = "incidents:read-restricted"
# Of programs that carry out steps of runs: their request ids may name the run on whose behalf they write.
EXECUTE = "workflows:execute"

_PERMISSION = re.compile(r"[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*|\*")


class PrincipalKind(StrEnum):
    """A person, a program, or the developer of a server on loopback."""

    USER = "USER"
    SERVICE = "SERVICE"
    DEVELOPMENT = "DEVELOPMENT"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, and what that one may do. What is not permitted is denied.

    `subject` is the issuer's name for the caller, unique within `kind`; `name` is for people to read.
    """

    subject: str
    name: str
    kind: PrincipalKind
    permissions: frozenset[str]
    team_keys: frozenset[str] = frozenset()
    # The subject of the person for whom a program acts; empty for one of its own.
    owner: str = ""

    @property
    def actor(self) -> str:
        """Who stands behind what this principal does, as KIND:subject."""
        return f"{PrincipalKind.USER}:{self.owner}" if self.owner else f"{self.kind}:{self.subject}"

    def allows(self, permission: str) -> bool:
        """Whether this principal has the permission, by name or by `*`."""
        return permission in self.permissions or EVERYTHING in self.permissions

    @property
    def scope(self) -> Scope:
        """Which rows this principal may see."""
        return Scope(self.allows(READ_RESTRICTED), tuple(sorted(self.team_keys)))


def is_person(kind: str) -> bool:
    """Whether people call so. A program decides nothing for which people are asked."""
    return kind in (PrincipalKind.USER, PrincipalKind.DEVELOPMENT)


def identity(actor: str) -> str:
    """The one person or program behind KIND:subject: the same for all spellings of a subject, and for a token by client
    credentials whose client is named as a person is. A key without an owner is a program of its own."""
    kind, _, subject = actor.partition(":")
    if kind == PrincipalKind.SERVICE and not subject.startswith("api-key:"):
        kind = PrincipalKind.USER
    return f"{kind}:{unicodedata.normalize('NFKC', subject).casefold()}"


def known_permissions(texts: Iterable[str]) -> frozenset[str]:
    """Those written as `<plural noun>:<verb>` or `*`; a scope such as `openid` grants nothing here."""
    return frozenset(text for text in texts if _PERMISSION.fullmatch(text))


def development_principal(*, loopback: bool, issuer: str | None) -> Principal | None:
    """The one who may do everything without credentials: only on loopback, and only while no issuer is set."""
    if not loopback or issuer is not None:
        return None
    return Principal("development", "Development", PrincipalKind.DEVELOPMENT, frozenset({EVERYTHING}))
