"""How a mutation is declared: one input, one payload of what was written and of what was wrong with it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import strawberry
from msgspec import UNSET as LEFT_OUT
from msgspec import Struct
from strawberry.types.unset import UNSET

from datasources.errors import SourceUnavailable
from datasources.values import Violation, find_violation, key_violation
from resolvers.context import Context
from resolvers.errors import SourceLost
from resolvers.unit_of_work import (
    MAIN_DATABASE,
    UseCase,
    UserError,
    UserErrorCode,
    ValidationFailed,
    Write,
    WriteResult,
    run_write,
)
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, field
from schema.declarations.ids import decode_id

C = TypeVar("C", bound=Struct)

register_enum(
    UserErrorCode,
    "What is wrong with a write.",
    INVALID="A value breaks a rule.",
    NOT_FOUND="Something that the input names does not exist.",
    CONFLICT="It changed meanwhile: its version is not the expected one. The payload shows it as it is now.",
    ILLEGAL_STATE="Its state allows no such step. The message names the steps that are allowed.",
    TAKEN="A name that must be unique is taken.",
    KEY_REUSED="The idempotency key was used for another call.",
)


@strawberry.type(name="UserError", description="A rule that a write broke; nothing of the write was done.")
class UserErrorType:
    code: UserErrorCode = attribute("What is wrong, for programs.")
    field: str | None = attribute("The field of the input that it is about; null for the whole.")
    message: str = attribute("What is wrong and what to do, for people.")


IDEMPOTENCY_KEY_DESCRIPTION = "Makes the call safe to repeat for a day: the same key and input is done once."


@strawberry.input
class VersionedInput:
    """What every input about one record holds: which, at which version, and a key for repeated calls."""

    id: strawberry.ID = strawberry.field(description="Its global id.")
    expected_version: int = strawberry.field(description="The version that you know; another is a CONFLICT.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input
class SeenInput(VersionedInput):
    """The same, in the words that inputs about the landscape have in the schema."""

    expected_version: int = strawberry.field(
        description="The version that you saw. If it is another by now, nothing is done and the payload shows what is."
    )


def user_errors() -> Any:
    """The field `userErrors` of a payload."""
    return attribute("Rules that were broken; empty when it was done.", of="user_errors", size=5)


@dataclasses.dataclass(frozen=True, slots=True)
class InputMapping:
    """A command and how an input object becomes one.

    `ids` says which fields of the input hold global ids, or lists of them, of which prefix; they reach the use case
    as uuids. `lists` says which fields hold lists of input objects; they reach it as tuples of commands. `objects`
    says which hold one input object.
    """

    command: type[Struct]
    ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lists: Mapping[str, "InputMapping"] = dataclasses.field(default_factory=dict)
    objects: Mapping[str, "InputMapping"] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class MutationDeclaration:
    """A command that a use case understands, and how an input becomes one: as in `Shape`."""

    command: type[Struct]
    use_case: UseCase[Any]
    ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lists: Mapping[str, InputMapping] = dataclasses.field(default_factory=dict)
    objects: Mapping[str, InputMapping] = dataclasses.field(default_factory=dict)
    # The database in whose transaction it is done.
    database: str = MAIN_DATABASE


def mutation(declaration: MutationDeclaration, input: Any, description: str, *, needs: str) -> Any:
    """A field of the mutation root. The input may have `idempotency_key`; every other field is the command's own."""

    async def call(context: Context, _: Any, arguments: Mapping[str, Any]) -> WriteResult:
        async def work(under_way: Write) -> Sequence[str]:
            return await declaration.use_case(under_way, command)

        given = arguments["input"]
        key = getattr(given, "idempotency_key", None) or None
        try:
            command = to_command(given, declaration)
            check_command(command, declaration, key)
        except ValidationFailed as refused:
            return WriteResult((), refused.errors)
        try:
            return await run_write(context, declaration.command.__name__, command, work, key, declaration.database)
        except SourceUnavailable as error:
            raise SourceLost.from_error(error, "repeat the call, with the same idempotencyKey if it had one") from error

    what = (Argument("input", input, "What to write."),)
    return field(call, description, needs=needs, arguments=what, has_own_validation=True)


def check_command(command: Struct, declaration: MutationDeclaration, idempotency_key: str | None) -> None:
    """Refused for values that can't be stored, one error a field. In lists of commands the use case looks, which may
    refuse one alone."""
    values = {each: getattr(command, each) for each in command.__struct_fields__ if each not in declaration.lists}
    found = [find_violation(value, camel_case(name)) for name, value in values.items()]
    if idempotency_key is not None:
        phrase = key_violation(idempotency_key)
        too_long = None if phrase is None else Violation("idempotencyKey", phrase)
        found.append(find_violation(idempotency_key, "idempotencyKey") or too_long)
    errors = [UserError(UserErrorCode.INVALID, each.field, str(each)) for each in found if each is not None]
    if errors:
        raise ValidationFailed(*errors)


def to_command(input_object: Any, mapping: MutationDeclaration | InputMapping, path: str = "") -> Struct:
    """The command of an input object: what the client left out stays `UNSET` there. `path` is where it stands in the
    input, for example `items.17.`."""
    values: dict[str, Any] = {}
    for each in mapping.command.__struct_fields__:
        value = getattr(input_object, each)
        if value is UNSET:
            values[each] = LEFT_OUT
        elif each in mapping.ids and value is not None:
            values[each] = _decode_input_ids(value, path + each, mapping.ids[each])
        elif each in mapping.lists and value is not None:
            shape = mapping.lists[each]
            values[each] = tuple(to_command(one, shape, f"{path}{each}.{nth}.") for nth, one in enumerate(value))
        elif each in mapping.objects and value is not None:
            values[each] = to_command(value, mapping.objects[each], f"{path}{each}.")
        else:
            values[each] = value
    return mapping.command(**values)


def _decode_input_ids(value: str | list[str], name: str, prefix: str) -> str | tuple[str, ...]:
    if isinstance(value, list):
        return tuple(decode_input_id(each, f"{name}.{nth}", prefix) for nth, each in enumerate(value))
    return decode_input_id(value, name, prefix)


def decode_input_id(text: str, name: str, prefix: str) -> str:
    """The uuid in a global id of this kind. Refused if it is one of another kind."""
    found, uuid = decode_id(text, camel_case(name))
    if found != prefix:
        raise ValidationFailed(
            UserError(UserErrorCode.INVALID, camel_case(name), f"{text} is not an id that begins with {prefix}_")
        )
    return uuid


def camel_case(name: str) -> str:
    """A field's name as clients write it."""
    head, *rest = name.split("_")
    return head + "".join(each.capitalize() for each in rest)
