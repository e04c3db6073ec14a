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
from resolvers.unit_of_work import MAIN, Refused, UseCase, UserError, UserErrorCode, Write, Written, write
from schema.declarations.enums import described
from schema.declarations.fields import Argument, attribute, field
from schema.declarations.ids import decode

C = TypeVar("C", bound=Struct)

described(
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


REPEATABLE = "Makes the call safe to repeat for a day: the same key and input is done once."


@strawberry.input
class VersionedInput:
    """What every input about one record holds: which, at which version, and a key for repeated calls."""

    id: strawberry.ID = strawberry.field(description="Its global id.")
    expected_version: int = strawberry.field(description="The version that you know; another is a CONFLICT.")
    idempotency_key: str | None = strawberry.field(default=None, description=REPEATABLE)


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
class Shape:
    """A command and how an input object becomes one.

    `ids` says which fields of the input hold global ids, or lists of them, of which prefix; they reach the use case
    as uuids. `lists` says which fields hold lists of input objects; they reach it as tuples of commands. `objects`
    says which hold one input object.
    """

    command: type[Struct]
    ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lists: Mapping[str, "Shape"] = dataclasses.field(default_factory=dict)
    objects: Mapping[str, "Shape"] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Mutation:
    """A command that a use case understands, and how an input becomes one: as in `Shape`."""

    command: type[Struct]
    use_case: UseCase[Any]
    ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lists: Mapping[str, Shape] = dataclasses.field(default_factory=dict)
    objects: Mapping[str, Shape] = dataclasses.field(default_factory=dict)
    # The database in whose transaction it is done.
    database: str = MAIN


def mutation(made: Mutation, input: Any, description: str, *, needs: str) -> Any:
    """A field of the mutation root. The input may have `idempotency_key`; every other field is the command's own."""

    async def call(context: Context, _: Any, arguments: Mapping[str, Any]) -> Written:
        async def work(under_way: Write) -> Sequence[str]:
            return await made.use_case(under_way, command)

        given = arguments["input"]
        key = getattr(given, "idempotency_key", None) or None
        try:
            command = commanded(given, made)
            check(command, made, key)
        except Refused as refused:
            return Written((), refused.errors)
        try:
            return await write(context, made.command.__name__, command, work, key, made.database)
        except SourceUnavailable as error:
            raise SourceLost.of(error, "repeat the call, with the same idempotencyKey if it had one") from error

    what = (Argument("input", input, "What to write."),)
    return field(call, description, needs=needs, arguments=what, checks_itself=True)


def check(command: Struct, made: Mutation, idempotency_key: str | None) -> None:
    """Refused for values that can't be stored, one error a field. In lists of commands the use case looks, which may
    refuse one alone."""
    values = {each: getattr(command, each) for each in command.__struct_fields__ if each not in made.lists}
    found = [find_violation(value, camel(name)) for name, value in values.items()]
    if idempotency_key is not None:
        phrase = key_violation(idempotency_key)
        too_long = None if phrase is None else Violation("idempotencyKey", phrase)
        found.append(find_violation(idempotency_key, "idempotencyKey") or too_long)
    errors = [UserError(UserErrorCode.INVALID, each.field, str(each)) for each in found if each is not None]
    if errors:
        raise Refused(*errors)


def commanded(given: Any, made: Mutation | Shape, path: str = "") -> Struct:
    """The command of an input object: what the client left out stays `UNSET` there. `path` is where it stands in the
    input, for example `items.17.`."""
    values: dict[str, Any] = {}
    for each in made.command.__struct_fields__:
        value = getattr(given, each)
        if value is UNSET:
            values[each] = LEFT_OUT
        elif each in made.ids and value is not None:
            values[each] = _uuids(value, path + each, made.ids[each])
        elif each in made.lists and value is not None:
            shape = made.lists[each]
            values[each] = tuple(commanded(one, shape, f"{path}{each}.{nth}.") for nth, one in enumerate(value))
        elif each in made.objects and value is not None:
            values[each] = commanded(value, made.objects[each], f"{path}{each}.")
        else:
            values[each] = value
    return made.command(**values)


def _uuids(value: str | list[str], name: str, prefix: str) -> str | tuple[str, ...]:
    if isinstance(value, list):
        return tuple(uuid_of(each, f"{name}.{nth}", prefix) for nth, each in enumerate(value))
    return uuid_of(value, name, prefix)


def uuid_of(text: str, name: str, prefix: str) -> str:
    """The uuid in a global id of this kind. Refused if it is one of another kind."""
    found, uuid = decode(text, camel(name))
    if found != prefix:
        raise Refused(UserError(UserErrorCode.INVALID, camel(name), f"{text} is not an id that begins with {prefix}_"))
    return uuid


def camel(name: str) -> str:
    """A field's name as clients write it."""
    head, *rest = name.split("_")
    return head + "".join(each.capitalize() for each in rest)
