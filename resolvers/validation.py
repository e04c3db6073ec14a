"""Rules that every write of a record keeps: what it names is there and as expected, what it says can be stored."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import UNSET, UnsetType

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.tables import references as referred
from datasources.values import MAX_KEY_BYTES, document_violation, find_violation, key_violation, text_violation
from resolvers.principals.principal import PrincipalKind
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write


class Versioned(Protocol):
    """A record with an id and a version."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int: ...


# Configuration items that one call may link.
MAX_LINKED_ITEMS = 500

# Characters of a name or key. An entry of an index has 2,704 bytes, and a character has up to four.
MAX_NAME_LENGTH = 500

T = TypeVar("T")
V = TypeVar("V", bound=Versioned)


def invalid(field: str, message: str) -> ValidationFailed:
    """A value that breaks a rule."""
    return ValidationFailed(UserError(UserErrorCode.INVALID, field, message))


def not_found(field: str, message: str) -> ValidationFailed:
    """Something that the input names does not exist, or not for the caller."""
    return ValidationFailed(UserError(UserErrorCode.NOT_FOUND, field, message))


def no_such_record(noun: str, field: str = "id") -> ValidationFailed:
    """An id that nothing has. The words are the same for every id: who may not see a record must not learn that there
    is one."""
    return not_found(field, f"there is no such {noun}; pass the id of one that you can read")


def require_version(record: V | None, noun: str, version: int) -> V:
    """The locked record, at the version that the caller knows. Refused as NOT_FOUND, or as CONFLICT about it."""
    if record is None:
        raise no_such_record(noun)
    if record.version != version:
        message = f"it is at version {record.version} now; look at it again and repeat the call with that version"
        raise ValidationFailed(UserError(UserErrorCode.CONFLICT, "expectedVersion", message), id=record.id)
    return record


def or_current(value: T | UnsetType | None, before: T, field: str) -> T:
    """The value that the caller gave, or the one before. Refused for an explicit null."""
    if value is UNSET:
        return before
    if value is None:
        raise ValidationFailed(null_error(field))
    return value


def null_error(field: str) -> UserError:
    """What is wrong with an explicit null."""
    return UserError(UserErrorCode.INVALID, field, f"{field} can't be null; leave it out to keep it as it is")


def require_text(text: str, field: str) -> str:
    """The text without blanks around it. Refused if nothing is left."""
    if not text.strip():
        raise invalid(field, f"{field} is empty; say something")
    return text.strip()


def require_name(text: str, field: str) -> str:
    """The name or key without blanks around it. Refused if nothing is left, or an index has no room for it."""
    name = require_text(text, field)
    unfit = name_violation(name)
    if unfit is not None:
        raise invalid(field, f"the {field} {unfit}")
    return name


def require_in_range(number: int, field: str, minimum: int, maximum: int) -> int:
    """The number. Refused if it is out of bounds."""
    if not minimum <= number <= maximum:
        raise invalid(field, f"{field} runs from {minimum} to {maximum}")
    return number


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text, and an index as well."""
    return text_violation(text) is None and key_violation(text) is None


def name_violation(text: str, *beside: str) -> str | None:
    """What is wrong with a name or key; None if nothing is. One index holds it together with the texts of `beside`."""
    if not text:
        return "is empty; give it one"
    if len(text) > MAX_NAME_LENGTH:
        return f"has {len(text):,} characters; use at most {MAX_NAME_LENGTH}"
    if phrase := text_violation(text):
        return phrase
    if key_violation(text, *beside):
        return f"is too long together with what else identifies it; at most {MAX_KEY_BYTES:,} bytes are allowed"
    return None


def storage_violation(text: str) -> str | None:
    """What is wrong with any text; None if nothing is."""
    violation = find_violation(text)
    return None if violation is None else violation.phrase


def attributes_violation(value: Any) -> str | None:
    """Why attributes can't be stored; None if they can."""
    if not isinstance(value, dict):
        return 'attributes are an object, for example {"tier": 1}'
    phrase = document_violation(value)
    return None if phrase is None else f"attributes hold a value that {phrase}"


async def require_team(transaction: Transaction, id: str | None, field: str) -> str | None:
    """The key of a team that is there; None for none."""
    if id is None:
        return None
    keys = await referred.lock_teams(transaction, [id])
    if id not in keys:
        raise not_found(field, "there is no such team; see `teams`")
    return keys[id]


async def require_user(transaction: Transaction, id: str | None, field: str) -> None:
    """Somebody who is there and still works here."""
    if id is not None and id not in await referred.lock_users(transaction, [id]):
        raise not_found(field, "there is nobody active with this id; see `users`")


async def require_items(transaction: Transaction, ids: Collection[str], field: str) -> Sequence[str]:
    """The items, each once, in order of id; all of them are there."""
    wanted = sorted(set(ids))
    if len(wanted) > MAX_LINKED_ITEMS:
        raise invalid(field, f"at most {MAX_LINKED_ITEMS} configuration items a call; split it")
    unknown = sorted(set(wanted) - await referred.lock_configuration_items(transaction, wanted)) if wanted else []
    if unknown:
        raise not_found(field, f"there is no configuration item ci_{unknown[0]}; see `configurationItems`")
    return wanted


async def require_membership(transaction: Transaction, team_id: str | None, assignee_id: str | None) -> None:
    """Refused if there are both and the assignee is not in the team."""
    if team_id is None or assignee_id is None:
        return
    if not await referred.is_member(transaction, team_id, assignee_id):
        raise invalid("assigneeId", "the assignee is not in the team; give one who is, or null, or another team")


def user_key(write: Write) -> str | None:
    """The key of the user who writes, if a person writes whose subject is the key of one; names prove nothing."""
    principal = write.context.principal
    return principal.subject if principal.kind == PrincipalKind.USER else None
