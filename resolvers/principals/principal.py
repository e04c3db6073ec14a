"""The principal of a request, its permissions, and the rows that it can see."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from datasources.records.queries import Scope

ALL_PERMISSIONS = "*"
READ_RESTRICTED = "incidents:read-restricted"
# For programs that execute steps of runs: their request ids may name the run for which they write.
EXECUTE_WORKFLOWS = "workflows:execute"

_PERMISSION = re.compile(r"[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*|\*")


class PrincipalKind(StrEnum):
    """A person, a program, or the developer of a local server."""

    USER = "USER"
    SERVICE = "SERVICE"
    DEVELOPMENT = "DEVELOPMENT"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller with its permissions. Everything that is not permitted is denied.

    `subject` is the issuer's name for the caller, unique within `kind`; `name` is for display.
    """

    subject: str
    name: str
    kind: PrincipalKind
    permissions: frozenset[str]
    team_keys: frozenset[str] = frozenset()
    # The subject of the person for whom a program acts; empty if it acts for itself.
    owner: str = ""

    @property
    def actor(self) -> str:
        """The responsible person or program, as KIND:subject."""
        return f"{PrincipalKind.USER}:{self.owner}" if self.owner else f"{self.kind}:{self.subject}"

    def allows(self, permission: str) -> bool:
        """Whether this principal has the permission, by name or by `*`."""
        return permission in self.permissions or ALL_PERMISSIONS in self.permissions

    @property
    def scope(self) -> Scope:
        """The rows that this principal can see."""
        return Scope(self.allows(READ_RESTRICTED), tuple(sorted(self.team_keys)))


# Invisible characters without a category of their own: joiners, fillers, variation selectors.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_IGNORABLE = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0))
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000))))


def is_person(kind: str) -> bool:
    """Whether callers of this kind are people. Decisions that need a person are never made by a program."""
    return kind in (PrincipalKind.USER, PrincipalKind.DEVELOPMENT)


def identity(actor: str) -> str:
    """Return one text for the person or program of KIND:subject, equal for all spellings of a subject.

    It is also equal for a client-credentials token whose client has the name of a person. A key without an owner is a
    program.
    """
    kind, _, subject = actor.partition(":")
    if kind == PrincipalKind.SERVICE and not subject.startswith("api-key:"):
        kind = PrincipalKind.USER
    return f"{kind}:{_folded(subject)}"


def _folded(subject: str) -> str:
    """Return a subject without invisible differences: letter forms, case, invisible characters, surrounding blanks.

    Similar letters of other scripts remain different.
    """
    folded = subject
    while True:
        before = folded
        folded = unicodedata.normalize("NFKC", "".join(each for each in folded if not _is_shapeless(each)))
        # Each step can enable the other, so repeat until nothing changes.
        folded = " ".join(unicodedata.normalize("NFKC", folded.casefold()).split())
        if folded == before:
            return folded


def _is_shapeless(character: str) -> bool:
    # White space among the control characters separates words, as a space does.
    return character in _IGNORABLE or (unicodedata.category(character) in {"Cc", "Cf"} and not character.isspace())


def parse_permissions(texts: Iterable[str]) -> frozenset[str]:
    """Return the texts of the form `<plural noun>:<verb>` or `*`; other scopes, such as `openid`, grant nothing."""
    return frozenset(text for text in texts if _PERMISSION.fullmatch(text))


def operator_principal() -> Principal:
    """Return the principal of a command, which has all permissions: whoever runs one can read the stores."""
    return Principal("operator", "Operator", PrincipalKind.DEVELOPMENT, frozenset({ALL_PERMISSIONS}))


def development_principal(*, loopback: bool, issuer: str | None) -> Principal | None:
    """Return the principal with all permissions that needs no credentials; only on loopback and without an issuer."""
    if not loopback or issuer is not None:
        return None
    return Principal("development", "Development", PrincipalKind.DEVELOPMENT, frozenset({ALL_PERMISSIONS}))
