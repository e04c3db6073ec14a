"""The keys of an environment file: their faults, the open values, and the hints to find them."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec

from cdk.environment import AdoptedEnvironment, NewEnvironment
from cdk.formats import Placeholder

OPEN_MARK = "?"
MODES: Mapping[str, type[msgspec.Struct]] = {"adopt": AdoptedEnvironment, "create": NewEnvironment}


def table_of(type_: Any) -> type[msgspec.Struct] | None:
    """Return the table type of a key, also of an optional one; None for a value."""
    return next(
        (each for each in (type_, *get_args(type_)) if isinstance(each, type) and issubclass(each, msgspec.Struct)),
        None,
    )


def keys(type_: type[msgspec.Struct], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key of a table and its nested tables, with its type."""
    for field in msgspec.structs.fields(type_):
        key = f"{path}{field.encode_name}"
        yield key, field.type
        part = table_of(field.type)
        if part is not None:
            yield from keys(part, f"{key}.")


def metadata(type_: Any) -> Iterator[object]:
    """Yield the annotations of a type, also of an optional one."""
    if get_origin(type_) is Annotated:
        yield from type_.__metadata__
        yield from metadata(type_.__origin__)
    elif type(None) in get_args(type_):
        for each in get_args(type_):
            yield from metadata(each)


def describe_format(type_: Any) -> str | None:
    """Return the description of a value of this type; None if the type is sufficient."""
    descriptions = (each.description for each in metadata(type_) if isinstance(each, msgspec.Meta))
    return next((each for each in descriptions if each), None)


def _open(key: str, type_: Any) -> Placeholder | None:
    parent = key.split(".")[-2] if "." in key else ""
    for each in metadata(type_):
        if isinstance(each, Placeholder):
            stand_in = each.stand_in
            if isinstance(stand_in, str):
                stand_in = stand_in.format(parent=parent, PARENT=parent.upper())
            return Placeholder(stand_in, each.find.replace("{parent}", parent))
    return None


PLACEHOLDERS: Mapping[str, Placeholder] = {
    key: placeholder
    for mode in MODES.values()
    for key, type_ in keys(mode)
    if (placeholder := _open(key, type_)) is not None
}


def lookup_hint(key: str, table: Mapping[str, Any]) -> str:
    """Return how to find the value of a key, completed with other values of the file."""

    def value(reference: re.Match[str]) -> str:
        value: Any = table
        for part in reference[1].split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) and value != OPEN_MARK else reference[0]

    return re.sub(r"<([a-z_.]+)>", value, PLACEHOLDERS[key].find)


def fill_placeholders(table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return the table with every permitted `?` replaced by its placeholder; any other `?` is an invalid value."""
    return {
        key: fill_placeholders(value, f"{path}{key}.")
        if isinstance(value, dict)
        else PLACEHOLDERS[f"{path}{key}"].stand_in
        if value == OPEN_MARK and f"{path}{key}" in PLACEHOLDERS
        else value
        for key, value in table.items()
    }


def find_open_keys(table: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the keys whose value is `?`, in the order of the file."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from find_open_keys(value, f"{path}{key}.")
        elif value == OPEN_MARK:
            yield f"{path}{key}"


def find_faults(table: Mapping[str, Any]) -> list[str]:
    """Return the faults of single keys, each with its key and the remedy. Rules across keys are in cross_checks.py."""
    mode = table.get("mode")
    if mode is None:
        return ["mode: missing required key; add it: write adopt or create"]
    if not isinstance(mode, str) or mode not in MODES:
        return [f"mode: invalid value {mode!r}; write adopt or create"]
    (other,) = MODES.keys() - {mode}
    known_elsewhere = frozenset(key for key, _ in keys(MODES[other]))
    rest = {key: value for key, value in table.items() if key != "mode"}
    return list(_faults(fill_placeholders(rest), MODES[mode], "", _File(table, known_elsewhere, other)))


class _File(NamedTuple):
    """The whole file, and the keys that belong to the other mode only."""

    table: Mapping[str, Any]
    elsewhere: frozenset[str]
    other: str


def _faults(table: Mapping[str, Any], type_: type[msgspec.Struct], path: str, file: _File) -> Iterator[str]:
    fields = {each.encode_name: each for each in msgspec.structs.fields(type_)}
    for name in table:
        if name not in fields:
            yield _unknown(f"{path}{name}", f"{path}{_close(name, fields)}", file)
    for name, field in fields.items():
        key = f"{path}{name}"
        if name not in table:
            if field.required:
                yield _missing(key, file)
        elif (part := table_of(field.type)) is not None:
            if isinstance(table[name], Mapping):
                yield from _faults(table[name], part, f"{key}.", file)
            else:
                yield f"{key}: must be a table; write [{key}] above its keys"
        else:
            fault = _value(key, table[name], field.type, file)
            if fault:
                yield fault


def _missing(key: str, file: _File) -> str:
    if key in PLACEHOLDERS:
        return (
            f'{key}: missing required key; add it, or "{OPEN_MARK}" until it is found: {lookup_hint(key, file.table)}'
        )
    return f"{key}: missing required key; add it"


def _unknown(key: str, close: str, file: _File) -> str:
    if key in file.elsewhere:
        return f"{key}: unknown key; this mode has no such key, it belongs to {file.other}; remove it"
    meant = "" if close.endswith(".") or not close else f", or write {close} if that is meant"
    return f"{key}: unknown key; this mode has no such key; remove it{meant}"


def _value(key: str, value: object, type_: Any, file: _File) -> str | None:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        what, shape = str(error).partition(" - at `$")[0], describe_format(type_)
        if shape is None:
            return f"{key}: {what[0].lower()}{what[1:]}"
        if value == OPEN_MARK:
            return f"{key}: may not be left open; write {shape}"
        # The message may be logged, so it must not contain a secret that was entered in place of its ARN.
        shown = "its value" if key.endswith("secret_arn") else repr(value)
        hint = f"; to find it: {lookup_hint(key, file.table)}" if key in PLACEHOLDERS else ""
        return f"{key}: {shown} is not {shape}{hint}"
    return None


def _close(name: str, candidates: Mapping[str, Any]) -> str:
    return next(iter(get_close_matches(name, candidates, 1)), "")
