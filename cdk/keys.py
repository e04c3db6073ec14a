"""What is wrong with single keys of an environment file: missing, unknown or not as they must look, all at once."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

import msgspec

from cdk.environment import Adopt, Create
from cdk.placeholders import MARK, PLACEHOLDERS
from cdk.shapes import words

MODES: Mapping[str, type[msgspec.Struct]] = {"adopt": Adopt, "create": Create}


def faults(table: Mapping[str, Any]) -> list[str]:
    """Each with its key and the remedy. Whatever else holds among keys is for who reads the whole."""
    mode = table.get("mode")
    if mode is None:
        return ["mode: missing required key; add it: write adopt or create"]
    if not isinstance(mode, str) or mode not in MODES:
        return [f"mode: invalid value {mode!r}; write adopt or create"]
    (other,) = MODES.keys() - {mode}
    known_elsewhere = frozenset(_keys(MODES[other]))
    rest = {key: value for key, value in table.items() if key != "mode"}
    return list(_faults(rest, MODES[mode], "", known_elsewhere, other))


def _faults(
    table: Mapping[str, Any], type_: type[msgspec.Struct], path: str, elsewhere: frozenset[str], other: str
) -> Iterator[str]:
    fields = {each.encode_name: each for each in msgspec.structs.fields(type_)}
    for name in table:
        if name not in fields:
            yield _unknown(f"{path}{name}", f"{path}{_close(name, fields)}", elsewhere, other)
    for name, field in fields.items():
        key = f"{path}{name}"
        if name not in table:
            if field.required:
                yield _missing(key)
        elif (part := table_of(field.type)) is not None:
            if isinstance(table[name], Mapping):
                yield from _faults(table[name], part, f"{key}.", elsewhere, other)
            else:
                yield f"{key}: must be a table; write [{key}] above its keys"
        else:
            fault = _value(key, table[name], field.type)
            if fault:
                yield fault


def table_of(type_: Any) -> type[msgspec.Struct] | None:
    """The table that a key holds, also one that may be missing; None for a value."""
    return next(
        (each for each in (type_, *get_args(type_)) if isinstance(each, type) and issubclass(each, msgspec.Struct)),
        None,
    )


def _missing(key: str) -> str:
    if key in PLACEHOLDERS:
        return f'{key}: missing required key; add it, or "{MARK}" until it is found: {PLACEHOLDERS[key].find}'
    return f"{key}: missing required key; add it"


def _unknown(key: str, close: str, elsewhere: frozenset[str], other: str) -> str:
    if key in elsewhere:
        return f"{key}: unknown key; this mode has no such key, it belongs to {other}; remove it"
    meant = "" if close.endswith(".") or not close else f", or write {close} if that is meant"
    return f"{key}: unknown key; this mode has no such key; remove it{meant}"


def _value(key: str, value: object, type_: Any) -> str | None:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        what, shape = str(error).partition(" - at `$")[0], words(key)
        if shape is None:
            return f"{key}: {what[0].lower()}{what[1:]}"
        if value == MARK:
            return f"{key}: may not be left open; write {shape}"
        # Who writes a secret where its ARN belongs must not find it in a log.
        shown = "its value" if key.endswith("secret_arn") else repr(value)
        find = f"; to find it: {PLACEHOLDERS[key].find}" if key in PLACEHOLDERS else ""
        return f"{key}: {shown} is not {shape}{find}"
    return None


def _close(name: str, known: Mapping[str, Any]) -> str:
    return next(iter(get_close_matches(name, known, 1)), "")


def _keys(type_: type[msgspec.Struct], path: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(type_):
        key = f"{path}{field.encode_name}"
        yield key
        part = table_of(field.type)
        if part is not None:
            yield from _keys(part, f"{key}.")
