"""Builds a settings dataclass from environment variables, by the variables that its fields declare."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints
from urllib.parse import urlsplit

from datasources.config import SecretReference, SigV4Signing
from datasources.variables import Variable

T = TypeVar("T")

_SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+")
_SWITCH = re.compile(r"on|off|true|false|1|0", re.IGNORECASE)


class SettingsError(Exception):
    """A setting cannot be used. The message is one line that names the variable and the remedy."""


def declared_fields(kind: type) -> Iterator[tuple[str, Any, Variable | None]]:
    """Yield the name, the type without None, and the variable of each field; None for a field without one."""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        variable = next(iter(getattr(hint, "__metadata__", ())), None)
        plain = hint if variable is None else hint.__origin__
        yield name, plain if not isinstance(plain, UnionType) else get_args(plain)[0], variable


def load(kind: type[T], environment: Mapping[str, str], **given: Any) -> T:
    """Build the dataclass from its variables and the fields `given`. SettingsError names an unusable variable."""
    return kind(**read(kind, environment, given) | given)


def read(kind: type, environment: Mapping[str, str], given: Collection[str] = ()) -> dict[str, Any]:
    """Return the values of the fields whose variables are set, and of nested dataclasses that are not `given`."""
    values: dict[str, Any] = {}
    for name, plain, variable in declared_fields(kind):
        if variable is None:
            if isinstance(plain, type) and is_dataclass(plain) and name not in given:
                values[name] = load(plain, environment)
        elif text := environment.get(variable.name, ""):
            values[name] = None if text == variable.none else _parse(plain, variable, text, environment)
    return values


def require_region(environment: Mapping[str, str], purpose: str) -> str:
    """Return the AWS region. SettingsError, with the purpose, if it is not set."""
    region = environment.get("AWS_REGION", "")
    if not region:
        raise SettingsError(f"AWS_REGION is missing; set it to the region of {purpose}")
    return region


def _parse(kind: Any, variable: Variable, text: str, environment: Mapping[str, str]) -> Any:
    if variable.schemes:
        return _parse_url(variable, text)
    if variable.pattern and not re.fullmatch(variable.pattern, text):
        raise SettingsError(f"{variable.name} is {text!r}; write {variable.remedy}")
    if kind is bool:
        return _parse_switch(variable, text)
    if kind in {int, float}:
        return kind(_parse_number(variable, text))
    if kind is SecretReference:
        return _parse_secret(variable.name, text)
    if kind is SigV4Signing:
        purpose = f"{variable.remedy}, as {variable.name} is on"
        return SigV4Signing(require_region(environment, purpose)) if _parse_switch(variable, text) else None
    try:
        return kind(text)
    except ValueError:
        raise SettingsError(f"{variable.name} is {text!r}; write one of {', '.join(kind)}") from None


def _parse_url(variable: Variable, text: str) -> str:
    # The value can include a password, so no message repeats it.
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid = False
        parts = urlsplit("")
    if parts.scheme not in variable.schemes or not port_is_valid or not (parts.hostname or parts.query):
        formats = " or ".join(f"{scheme}://host:port/..." for scheme in variable.schemes)
        alternative = f", or {variable.none!r}" if variable.none else ""
        raise SettingsError(f"{variable.name} is not a usable URL; write it as {formats}{alternative}")
    return text


def _parse_number(variable: Variable, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise SettingsError(f"{variable.name} is {text!r}; it must be a number") from None
    if not variable.minimum <= value <= variable.maximum:
        bounds = f"{variable.minimum:g} and {variable.maximum:g}"
        raise SettingsError(f"{variable.name} is {text}; it must lie between {bounds}")
    return value


def _parse_switch(variable: Variable, text: str) -> bool:
    if not variable.pattern and not _SWITCH.fullmatch(text):
        raise SettingsError(f"{variable.name} is {text.lower()!r}; write on or off")
    return text.lower() not in {"off", "false", "0"}


def _parse_secret(name: str, text: str) -> SecretReference:
    # If a user sets the secret itself here by mistake, it must not appear in a log.
    if not _SECRET_ARN.fullmatch(text):
        raise SettingsError(f"{name} is no ARN of a secret: arn:aws:secretsmanager:region:account:secret:name")
    return SecretReference(name, text)
