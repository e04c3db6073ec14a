"""The principal of a request, and which rows it may see."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from datasources.records.queries import Scope

ALL_PERMISSIONS = "*"
READ_RESTRICTED = "incidents:read-restricted"
# Of programs that carry out steps of runs: their request ids may name the run on whose behalf they write.
EXECUTE_WORKFLOWS = "workflows:execute"

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
        return permission in self.permissions or ALL_PERMISSIONS in self.permissions

    @property
    def scope(self) -> Scope:
        """Which rows this principal may see."""
        return Scope(self.allows(READ_RESTRICTED), tuple(sorted(self.team_keys)))


# Characters that are not shown and are of no category for that: joiners, fillers, variation selectors.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_IGNORABLE = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0))
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000))))


def is_person(kind: str) -> bool:
    """Whether people call so. A program decides nothing for which people are asked."""
    return kind in (PrincipalKind.USER, PrincipalKind.DEVELOPMENT)


def identity(actor: str) -> str:
    """The one person or program behind KIND:subject: the same for all spellings of a subject, and for a token by client
    credentials whose client is named as a person is. A key without an owner is a program of its own."""
    kind, _, subject = actor.partition(":")
    if kind == PrincipalKind.SERVICE and not subject.startswith("api-key:"):
        kind = PrincipalKind.USER
    return f"{kind}:{_folded(subject)}"


def _folded(subject: str) -> str:
    """A subject without what its spellings differ in and people do not see: forms of a letter, case, characters without
    a shape, and blanks around it. Letters of other scripts that look alike stay apart."""
    folded = subject
    while True:
        before = folded
        folded = unicodedata.normalize("NFKC", "".join(each for each in folded if not _is_shapeless(each)))
        # Each may make work for the other: so until nothing changes.
        folded = " ".join(unicodedata.normalize("NFKC", folded.casefold()).split())
        if folded == before:
            return folded


def _is_shapeless(character: str) -> bool:
    # Blanks among the control characters part words, as a space does.
    return character in _IGNORABLE or (unicodedata.category(character) in {"Cc", "Cf"} and not character.isspace())


def parse_permissions(texts: Iterable[str]) -> frozenset[str]:
    """Those written as `<plural noun>:<verb>` or `*`; a scope such as `openid` grants nothing here."""
    return frozenset(text for text in texts if _PERMISSION.fullmatch(text))


def development_principal(*, loopback: bool, issuer: str | None) -> Principal | None:
    """The one who may do everything without credentials: only on loopback, and only while no issuer is set."""
    if not loopback or issuer is not None:
        return None
    return Principal("development", "Development", PrincipalKind.DEVELOPMENT, frozenset({ALL_PERMISSIONS}))
