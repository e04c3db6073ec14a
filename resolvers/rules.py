"""Rules that every write of a versioned record keeps: what it names is there, is as expected, and is not empty."""

from collections.abc import Collection, Sequence
from typing import TypeVar

from msgspec import UNSET, UnsetType

from datasources.aurora import referred
from datasources.aurora.transaction import Transaction
from resolvers.changing import Versioned
from resolvers.principals.principal import PrincipalKind
from resolvers.writing import Refused, UserError, UserErrorCode, Write

T = TypeVar("T")

# Configuration items that one call may link.
ITEMS_AT_MOST = 500


V = TypeVar("V", bound=Versioned)


def invalid(field: str, message: str) -> Refused:
    """A value that breaks a rule."""
    return Refused(UserError(UserErrorCode.INVALID, field, message))


def missing(field: str, message: str) -> Refused:
    """Something that the input names does not exist, or not for the caller."""
    return Refused(UserError(UserErrorCode.NOT_FOUND, field, message))


def as_expected(record: V | None, noun: str, version: int) -> V:
    """The locked record, at the version that the caller knows. The words are the same for every id: who may not see a
    record must not learn that there is one."""
    if record is None:
        raise missing("id", f"there is no such {noun}; pass the id of one that you can read")
    if record.version != version:
        message = f"it is at version {record.version} now; look at it again and repeat the call with that version"
        raise Refused(UserError(UserErrorCode.CONFLICT, "expectedVersion", message), id=record.id)
    return record


def given(value: T | UnsetType | None, before: T, field: str) -> T:
    """The value that the caller gave, or the one before. Refused for an explicit null."""
    if value is UNSET:
        return before
    if value is None:
        raise invalid(field, f"{field} can't be null; leave it out to keep it as it is")
    return value


def filled(text: str, field: str) -> str:
    """The text without blanks around it. Refused if nothing is left."""
    if not text.strip():
        raise invalid(field, f"{field} is empty; say something")
    return text.strip()


def in_range(number: int, field: str, least: int, most: int) -> int:
    """The number. Refused if it is out of bounds."""
    if not least <= number <= most:
        raise invalid(field, f"{field} runs from {least} to {most}")
    return number


async def known_team(transaction: Transaction, id: str | None, field: str) -> str | None:
    """The key of a team that is there; None for none."""
    if id is None:
        return None
    keys = await referred.teams(transaction, [id])
    if id not in keys:
        raise missing(field, "there is no such team; see `teams`")
    return keys[id]


async def known_user(transaction: Transaction, id: str | None, field: str) -> None:
    """Somebody who is there and still works here."""
    if id is not None and id not in await referred.users(transaction, [id]):
        raise missing(field, "there is nobody active with this id; see `users`")


async def known_items(transaction: Transaction, ids: Collection[str], field: str) -> Sequence[str]:
    """The items, each once, in order of id; all of them are there."""
    wanted = sorted(set(ids))
    if len(wanted) > ITEMS_AT_MOST:
        raise invalid(field, f"at most {ITEMS_AT_MOST} configuration items a call; split it")
    unknown = sorted(set(wanted) - await referred.configuration_items(transaction, wanted)) if wanted else []
    if unknown:
        raise missing(field, f"there is no configuration item ci_{unknown[0]}; see `configurationItems`")
    return wanted


async def works_in(transaction: Transaction, team_id: str | None, assignee_id: str | None) -> None:
    """Refused if there are both and the assignee is not in the team."""
    if team_id is None or assignee_id is None:
        return
    if not await referred.is_member(transaction, team_id, assignee_id):
        raise invalid("assigneeId", "the assignee is not in the team; give one who is, or null, or another team")


def user_key(write: Write) -> str | None:
    """The key of the user who writes, if a person writes whose subject is the key of one; names prove nothing."""
    principal = write.context.principal
    return principal.subject if principal.kind == PrincipalKind.USER else None
