"""Validation for all writes: references exist, versions match, and values can be stored."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import UNSET, UnsetType

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.tables import references
from datasources.values import MAX_KEY_BYTES, document_violation, find_violation, key_violation, text_violation
from resolvers.principals.principal import PrincipalKind
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write


class Versioned(Protocol):
    """A record with an id and a version."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int: ...


# Maximum number of configuration items that one call can link.
MAX_LINKED_ITEMS = 500

# In characters, for names and keys. An index entry has at most 2,704 bytes, and a character up to four.
MAX_NAME_LENGTH = 500

T = TypeVar("T")
V = TypeVar("V", bound=Versioned)


def invalid(field: str, message: str) -> ValidationFailed:
    """Return the error for an invalid value."""
    return ValidationFailed(UserError(UserErrorCode.INVALID, field, message))


def not_found(field: str, message: str) -> ValidationFailed:
    """Return the error for a reference to something that does not exist, or that the caller cannot see."""
    return ValidationFailed(UserError(UserErrorCode.NOT_FOUND, field, message))


def no_such_record(noun: str, field: str = "id") -> ValidationFailed:
    """Return the error for an unknown id. The message is the same for every id: it must not reveal that a record exists
    which the caller cannot read."""
    return not_found(field, f"there is no {noun} with this id; pass the id of one that you can read")


def require_version(record: V | None, noun: str, version: int) -> V:
    """Return the locked record if it has the expected version. Refused with NOT_FOUND or CONFLICT."""
    if record is None:
        raise no_such_record(noun)
    if record.version != version:
        message = f"it is now at version {record.version}; read it again and repeat the call with that version"
        raise ValidationFailed(UserError(UserErrorCode.CONFLICT, "expected_version", message), id=record.id)
    return record


def or_current(value: T | UnsetType | None, before: T, field: str) -> T:
    """Return the given value, or the current one if it is unset. Refused for an explicit null."""
    if value is UNSET:
        return before
    if value is None:
        raise ValidationFailed(null_error(field))
    return value


def null_error(field: str) -> UserError:
    """Return the error for an explicit null."""
    return UserError(UserErrorCode.INVALID, field, f"{field} can't be null; leave it out to keep the current value")


def require_text(text: str, field: str) -> str:
    """Return the text without surrounding blanks. Refused if it is empty."""
    if not text.strip():
        raise invalid(field, f"{field} is empty; enter a text")
    return text.strip()


def require_name(text: str, field: str) -> str:
    """Return the name or key without surrounding blanks. Refused if it is empty, or too long for an index."""
    name = require_text(text, field)
    unfit = name_violation(name)
    if unfit is not None:
        raise invalid(field, f"the {field} {unfit}")
    return name


def require_in_range(number: int, field: str, minimum: int, maximum: int) -> int:
    """Return the number. Refused if it is out of range."""
    if not minimum <= number <= maximum:
        raise invalid(field, f"{field} must be from {minimum} to {maximum}")
    return number


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store the text, also in an index."""
    return text_violation(text) is None and key_violation(text) is None


def name_violation(text: str, *others: str) -> str | None:
    """Return what is wrong with a name or key; None if it is valid. One index contains it together with `others`."""
    if not text:
        return "is empty; enter a text"
    if len(text) > MAX_NAME_LENGTH:
        return f"has {len(text):,} characters; use at most {MAX_NAME_LENGTH}"
    if phrase := text_violation(text):
        return phrase
    if key_violation(text, *others):
        return f"is too long together with the other identifying texts; at most {MAX_KEY_BYTES:,} bytes are allowed"
    return None


def storage_violation(text: str) -> str | None:
    """Return why a text cannot be stored; None if it can."""
    violation = find_violation(text)
    return None if violation is None else violation.phrase


def attributes_violation(value: Any) -> str | None:
    """Return why attributes cannot be stored; None if they can."""
    if not isinstance(value, dict):
        return 'attributes must be an object, for example {"tier": 1}'
    phrase = document_violation(value)
    return None if phrase is None else f"attributes contain a value that {phrase}"


async def require_team(transaction: Transaction, id: str | None, field: str) -> str | None:
    """Return the key of an existing team; None for None."""
    if id is None:
        return None
    keys = await references.lock_teams(transaction, [id])
    if id not in keys:
        raise not_found(field, "there is no team with this id; see `teams`")
    return keys[id]


async def require_user(transaction: Transaction, id: str | None, field: str) -> None:
    """Require an active user."""
    if id is not None and id not in await references.lock_users(transaction, [id]):
        raise not_found(field, "there is no active user with this id; see `users`")


async def require_items(transaction: Transaction, ids: Collection[str], field: str) -> Sequence[str]:
    """Return the distinct items, in order of id; all of them must exist."""
    wanted = sorted(set(ids))
    if len(wanted) > MAX_LINKED_ITEMS:
        raise invalid(field, f"at most {MAX_LINKED_ITEMS} configuration items are allowed in one call; split it")
    unknown = sorted(set(wanted) - await references.lock_configuration_items(transaction, wanted)) if wanted else []
    if unknown:
        raise not_found(field, f"there is no configuration item ci_{unknown[0]}; see `configurationItems`")
    return wanted


async def require_membership(transaction: Transaction, team_id: str | None, assignee_id: str | None) -> None:
    """Refuse an assignee who is not a member of the team, if both are set."""
    if team_id is None or assignee_id is None:
        return
    if not await references.is_member(transaction, team_id, assignee_id):
        raise invalid("assignee_id", "the assignee is not a member of the team; use a member, null, or another team")


def user_key(write: Write) -> str | None:
    """Return the key of the user who writes: the subject of a person's token; names prove nothing."""
    principal = write.context.principal
    return principal.subject if principal.kind == PrincipalKind.USER else None
