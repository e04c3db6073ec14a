"""Declarations of mutations: one input, and one payload with the written object and the user errors."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import strawberry
from msgspec import UNSET as LEFT_OUT
from msgspec import Struct
from strawberry.annotation import StrawberryAnnotation
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
from schema.declarations.fields import Argument, field
from schema.declarations.ids import decode_id
from schema.declarations.user_errors import camel_case

C = TypeVar("C", bound=Struct)

IDEMPOTENCY_KEY_DESCRIPTION = (
    "Makes the call safe to repeat for 24 hours: a call with the same key and input is executed only once."
)


@strawberry.input
class VersionedInput:
    """The fields that all inputs for one record share: its id, its expected version, and an idempotency key."""

    id: strawberry.ID = strawberry.field(description="Its global id.")
    expected_version: int = strawberry.field(
        description="The version that you last read. If the current version differs, the error is CONFLICT."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@dataclasses.dataclass(frozen=True, slots=True)
class InputMapping:
    """A command, and how to convert an input object to it.

    `ids` maps fields with global ids, or lists of them, to their prefix; the use case gets uuids. `lists` maps fields
    with lists of input objects; the use case gets tuples of commands. `objects` maps fields with one input object.
    """

    command: type[Struct]
    ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lists: Mapping[str, "InputMapping"] = dataclasses.field(default_factory=dict)
    objects: Mapping[str, "InputMapping"] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class MutationDeclaration:
    """A use case, its command, and how to convert an input to it, as in InputMapping."""

    command: type[Struct]
    use_case: UseCase[Any]
    ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lists: Mapping[str, InputMapping] = dataclasses.field(default_factory=dict)
    objects: Mapping[str, InputMapping] = dataclasses.field(default_factory=dict)
    # The database of its transaction.
    database: str = MAIN_DATABASE


def mutation(
    declaration: MutationDeclaration, input: Any, description: str, result: str, *, payload: type, needs: str
) -> Any:
    """Declare a mutation. All fields of the input except `idempotency_key` are fields of the command.

    `payload` has the fields of the payload, and `result` describes it.
    """

    async def call(context: Context, _: Any, arguments: Mapping[str, Any]) -> WriteResult:
        async def work(write: Write) -> Sequence[str]:
            return await declaration.use_case(write, command)

        input_object = arguments["input"]
        key = getattr(input_object, "idempotency_key", None) or None
        try:
            command = to_command(input_object, declaration)
            check_command(command, declaration, key)
        except ValidationFailed as error:
            return WriteResult((), error.errors)
        try:
            return await run_write(context, declaration.command.__name__, command, work, key, declaration.database)
        except SourceUnavailable as error:
            raise SourceLost.from_error(error, "repeat the call, with the same idempotencyKey if it had one") from error

    input_argument = (Argument("input", input, "What to write."),)
    declared = field(call, description, needs=needs, arguments=input_argument, has_own_validation=True)
    declared.type_annotation = StrawberryAnnotation(payload_type(declaration.command, payload, result) | None)
    return declared


def payload_type(command: type[Struct], fields: type, description: str) -> type:
    """Return the payload of a command: `OpenIncidentPayload` for OpenIncident, with the fields of another type."""
    return strawberry.type(type(f"{command.__name__}Payload", (fields,), {}), description=description)


def check_command(command: Struct, declaration: MutationDeclaration, idempotency_key: str | None) -> None:
    """Raise ValidationFailed for values that cannot be stored, with one error for each field.

    The use case checks lists of commands itself, because it can reject single items.
    """
    values = {each: getattr(command, each) for each in command.__struct_fields__ if each not in declaration.lists}
    violations = [find_violation(value, name) for name, value in values.items()]
    if idempotency_key is not None:
        phrase = key_violation(idempotency_key)
        too_long = None if phrase is None else Violation("idempotency_key", phrase)
        violations.append(find_violation(idempotency_key, "idempotency_key") or too_long)
    errors = [UserError(UserErrorCode.INVALID, each.field, str(each)) for each in violations if each is not None]
    if errors:
        raise ValidationFailed(*errors)


def to_command(input_object: Any, mapping: MutationDeclaration | InputMapping, path: str = "") -> Struct:
    """Return the command of an input object; omitted fields are `UNSET` in the command.

    `path` is the position of the object in the input, for example `items.17.`.
    """
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
    """Return the uuid of a global id with this prefix. ValidationFailed for an id of another type."""
    actual, uuid = decode_id(text, camel_case(name))
    if actual != prefix:
        raise ValidationFailed(
            UserError(UserErrorCode.INVALID, name, f"{text} is not an id that begins with {prefix}_")
        )
    return uuid
