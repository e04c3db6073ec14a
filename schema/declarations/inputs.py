"""GraphQL inputs of commands: the fields with their descriptions and defaults, and the conversion to the command."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import strawberry
from msgspec import NODEFAULT, Meta, Struct, UnsetType
from msgspec import UNSET as LEFT_OUT
from msgspec.structs import FieldInfo, fields
from strawberry.annotation import StrawberryAnnotation
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from datasources.values import CLIENT_NAME
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed
from schema.declarations.ids import decode_id
from schema.declarations.user_errors import camel_case

# Returns the value of a field of a command for a value of the input and its path, for example `items.17.type_key`.
Converter = Callable[[Any, str], Any]


@dataclass(frozen=True, slots=True)
class InputValue:
    """A GraphQL type, and the conversion of its values."""

    type: Any
    convert: Converter


@cache
def input_of(command: type[Struct], *, idempotent: bool = False) -> InputValue:
    """Return the input of a command: `OpenIncidentInput` for OpenIncident.

    With `idempotent` it also has an idempotency key, behind the fields that identify the record.

    Raises:
        ValueError: the command or one of its fields has no description.
    """
    members = fields(command)
    values = {each.name: _value(each.type) for each in members}
    declared = {each.name: _declare(command, each, values[each.name].type) for each in members}
    if idempotent:
        names = list(declared)
        place = names.index("expected_version") + 1 if "expected_version" in declared else len(names)
        items = list(declared.items())
        declared = dict([*items[:place], ("idempotency_key", _idempotency_key()), *items[place:]])
    description = " ".join((command.__doc__ or "").split())
    if not description:
        raise ValueError(f"{command.__name__} has no docstring, which describes its input")
    built = strawberry.input(type(f"{command.__name__}Input", (), declared), description=description)

    def convert(given: Any, path: str) -> Struct:
        prefix = f"{path}." if path else ""
        return command(**{
            name: LEFT_OUT if (part := getattr(given, name)) is UNSET else value.convert(part, prefix + name)
            for name, value in values.items()
        })  # fmt: skip

    return InputValue(built, convert)


@cache
def single_fields(command: type[Struct]) -> tuple[str, ...]:
    """Return the names of the fields of a command that are not lists of commands."""
    return tuple(each.name for each in fields(command) if not _is_command_list(each.type))


def _is_command_list(type_: Any) -> bool:
    arguments = get_args(type_)
    if get_origin(type_) is tuple:
        return isinstance(arguments[0], type) and issubclass(arguments[0], Struct)
    return any(map(_is_command_list, arguments))


def _value(type_: Any) -> InputValue:
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is Annotated:
        prefix = next((each.extra["id_prefix"] for each in arguments[1:] if each.extra), None)
        return _value(arguments[0]) if prefix is None else InputValue(strawberry.ID, partial(_decode, prefix))
    if origin in (Union, UnionType):
        [required] = [each for each in arguments if each not in (NoneType, UnsetType)]
        value = _value(required)
        return InputValue(value.type | None, lambda given, path: None if given is None else value.convert(given, path))
    if origin is tuple:
        item = _value(arguments[0])
        return InputValue(
            GenericAlias(list, (item.type,)),
            lambda given, path: tuple(item.convert(each, f"{path}.{nth}") for nth, each in enumerate(given)),
        )
    if type_ is Any:
        return InputValue(JSON | None, _unchanged)
    if origin is dict:
        return InputValue(JSON, _unchanged)
    return input_of(type_) if issubclass(type_, Struct) else InputValue(type_, _unchanged)


def _unchanged(given: Any, _: str) -> Any:
    return given


def _decode(prefix: str, text: str, path: str) -> str:
    actual, uuid = decode_id(text, camel_case(path))
    if actual != prefix:
        raise ValidationFailed(
            UserError(UserErrorCode.INVALID, path, f"{text} is not an id that begins with {prefix}_")
        )
    return uuid


def _declare(command: type[Struct], field: FieldInfo, type_: Any) -> Any:
    description = _description(field.type)
    if description is None:
        raise ValueError(f"the field {field.name} of {command.__name__} has no description")
    default: dict[str, Any] = {"default": UNSET if field.default is LEFT_OUT else field.default}
    if field.default is NODEFAULT:
        default = {}
    elif field.default == ():
        default = {"default_factory": list}
    name = None if field.encode_name == field.name else field.encode_name
    metadata = None if name is None else {CLIENT_NAME: name}
    return _typed(strawberry.field(description=description, name=name, metadata=metadata, **default), type_)


def _typed(field: Any, type_: Any) -> Any:
    field.type_annotation = _annotation(type_)
    return field


@cache
def _annotation(type_: Any) -> StrawberryAnnotation:
    # Resolved once for all fields of the type.
    return StrawberryAnnotation(type_, namespace={})


def _description(type_: Any) -> str | None:
    """Return the outermost description of a type."""
    arguments = get_args(type_)
    own = [each.description for each in arguments if isinstance(each, Meta) and each.description]
    inner = [] if own else [text for each in arguments if (text := _description(each)) is not None]
    # Nested annotations are one, with the outermost description last.
    return next(iter([*own[::-1], *inner]), None)


def _idempotency_key() -> Any:
    description = (
        "Makes the call safe to repeat for 24 hours: a call with the same key and input is executed only once."
    )
    return _typed(strawberry.field(default=None, description=description), str | None)
