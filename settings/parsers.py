"""Parsers of single variables: numbers with bounds, switches, URLs, choices, and ARNs of secrets."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

from datasources.config import SecretReference

C = TypeVar("C", bound=StrEnum)

SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+")


class SettingsError(Exception):
    """A setting cannot be used. The message is one line that names the variable and the remedy."""


def parse_choice(environment: Mapping[str, str], name: str, choices: type[C], default: C) -> C:
    """Parse one of the values of an enumeration. SettingsError lists them."""
    text = environment.get(name, "")
    if not text:
        return default
    try:
        return choices(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; write one of {', '.join(choices)}") from None


def parse_url(
    environment: Mapping[str, str], name: str, schemes: tuple[str, ...], alternatives: str = ""
) -> str | None:
    """Parse a URL with one of these schemes; None if it is not set. `alternatives` names other values in the error."""
    text = environment.get(name, "")
    if not text:
        return None
    # The value can include a password, so no message repeats it.
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid = False
        parts = urlsplit("")
    if parts.scheme not in schemes or not port_is_valid or not (parts.hostname or parts.query):
        formats = " or ".join(f"{scheme}://host:port/..." for scheme in schemes)
        raise SettingsError(f"{name} is not a usable URL; write it as {formats}{alternatives}")
    return text


def parse_number(environment: Mapping[str, str], name: str, default: float, *, minimum: float, maximum: float) -> float:
    """Parse a number from `minimum` to `maximum`, inclusive. SettingsError reports the bounds."""
    text = environment.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; it must be a number") from None
    if not minimum <= value <= maximum:
        raise SettingsError(f"{name} is {text}; it must lie between {minimum:g} and {maximum:g}")
    return value


def parse_switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Parse on or off, true or false, 1 or 0. SettingsError for other values."""
    text = environment.get(name, "").lower()
    if not text:
        return default
    if text not in {"on", "off", "true", "false", "1", "0"}:
        raise SettingsError(f"{name} is {text!r}; write on or off")
    return text in {"on", "true", "1"}


def parse_secret(environment: Mapping[str, str], name: str) -> SecretReference | None:
    """Parse the ARN of a secret; None if it is not set. SettingsError does not repeat an invalid value."""
    text = environment.get(name, "")
    if not text:
        return None
    # If a user sets the secret itself here by mistake, it must not appear in a log.
    if not SECRET_ARN.fullmatch(text):
        raise SettingsError(f"{name} is no ARN of a secret: arn:aws:secretsmanager:region:account:secret:name")
    return SecretReference(name, text)


def require_region(environment: Mapping[str, str], purpose: str) -> str:
    """Return the AWS region. SettingsError, with the purpose, if it is not set."""
    region = environment.get("AWS_REGION") or None
    if region is None:
        raise SettingsError(f"AWS_REGION is missing; set it to the region of {purpose}")
    return region
