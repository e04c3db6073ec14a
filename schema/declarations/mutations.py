"""Declarations of mutations: one input, and one payload with the written object and the user errors."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import strawberry
from msgspec import Struct, defstruct
from strawberry.annotation import StrawberryAnnotation

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
from schema.declarations.inputs import input_of, single_fields

C = TypeVar("C", bound=Struct)


def mutation(
    command: type[C],
    use_case: UseCase[C],
    description: str,
    result: str,
    *,
    payload: type,
    needs: str,
    database: str = MAIN_DATABASE,
) -> Any:
    """Declare a mutation: its input has the fields of the command and an idempotency key.

    `payload` has the fields of the payload, which `result` describes. `database` is that of the transaction.
    """
    input_value = input_of(command, idempotent=True)

    async def call(context: Context, _: Any, arguments: Mapping[str, Any]) -> WriteResult:
        async def work(write: Write) -> Sequence[str]:
            return await use_case(write, converted)

        key = arguments["input"].idempotency_key or None
        try:
            converted = input_value.convert(arguments["input"], "")
            check_command(converted, key)
        except ValidationFailed as error:
            return WriteResult((), error.errors)
        try:
            return await run_write(context, command.__name__, converted, work, key, database)
        except SourceUnavailable as error:
            raise SourceLost.from_error(error, "repeat the call, with the same idempotencyKey if it had one") from error

    input_argument = (Argument("input", input_value.type, "What to write."),)
    declared = field(call, description, needs=needs, arguments=input_argument, has_own_validation=True)
    declared.type_annotation = StrawberryAnnotation(payload_type(command, payload, result) | None)
    return declared


def transition(
    declare: Callable[..., Any],
    command: type[Struct],
    use_case: Callable[..., Any],
    name: str,
    input_description: str,
    description: str,
    result: str,
) -> Any:
    """Declare the mutation of a transition, for example `startIncident`, with the fields of a command that many share.

    `declare` is `mutation` with the payload and the permission of the domain; the use case has a parameter `name`.
    """
    own = defstruct(name[0].upper() + name[1:], (), bases=(command,), namespace={"__doc__": input_description})
    return declare(own, partial(use_case, name=name), description, result)


def payload_type(command: type[Struct], fields: type, description: str) -> type:
    """Return the payload of a command: `OpenIncidentPayload` for OpenIncident, with the fields of another type."""
    return strawberry.type(type(f"{command.__name__}Payload", (fields,), {}), description=description)


def check_command(command: Struct, idempotency_key: str | None) -> None:
    """Raise ValidationFailed for values that cannot be stored, with one error for each field.

    The use case checks lists of commands itself, because it can reject single items.
    """
    violations = [find_violation(getattr(command, name), name) for name in single_fields(type(command))]
    if idempotency_key is not None:
        phrase = key_violation(idempotency_key)
        too_long = None if phrase is None else Violation("idempotency_key", phrase)
        violations.append(find_violation(idempotency_key, "idempotency_key") or too_long)
    errors = [UserError(UserErrorCode.INVALID, each.field, str(each)) for each in violations if each is not None]
    if errors:
        raise ValidationFailed(*errors)
