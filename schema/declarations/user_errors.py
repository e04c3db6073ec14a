"""User errors in GraphQL: the names of fields become those of the schema, in camel case."""

import re
from typing import Any

import strawberry

from resolvers.unit_of_work import UserError, UserErrorCode
from schema.declarations.enums import register_enum
from schema.declarations.fields import attribute

register_enum(
    UserErrorCode,
    "What is wrong with a write.",
    INVALID="A value breaks a rule.",
    NOT_FOUND="An object that the input names does not exist.",
    CONFLICT="The object was changed meanwhile: its version is not the expected one. The payload has its state.",
    ILLEGAL_STATE="The state of the object does not allow this transition. The message names the allowed ones.",
    TAKEN="A name that must be unique is already in use.",
    KEY_REUSED="The idempotency key was used for a different call.",
)


def camel_case(name: str) -> str:
    """Return the name of a field, or the path to one such as `items.17.type_key`, as clients write it."""
    return re.sub(r"(?<=[a-z0-9])_([a-z0-9])", lambda match: match[1].upper(), name)


def field_path(error: UserError) -> str | None:
    """Return the path of the field with the error. Names that users give to inputs of workflows stay."""
    if error.field is None:
        return None
    own, separator, names = error.field.partition("inputs.")
    return camel_case(own) + separator + names


def message_text(error: UserError) -> str:
    """Return the message. If it begins with the name of the field, it has the name that clients know."""
    if error.field is None or "_" not in error.field:
        return error.message
    return re.sub(rf"^(the )?{re.escape(error.field)}\b", rf"\1{camel_case(error.field)}", error.message)


@strawberry.type(name="UserError", description="A rule that a write breaks. Nothing was written.")
class UserErrorType:
    code: UserErrorCode = attribute("The kind of error, for programs.")
    field: str | None = attribute(
        "The field of the input with the error; null if it concerns the whole input.", of=field_path
    )
    message: str = attribute("What is wrong and how to fix it, for people.", of=message_text)


def user_errors() -> Any:
    """Declare the field `userErrors` of a payload."""
    return attribute("The rules that the input breaks; empty if the write succeeded.", of="user_errors", size=5)
