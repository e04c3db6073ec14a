"""One variable: a number within its bounds, a switch, a URL, one of several words, where a secret stands."""

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
    """One of the words of an enumeration. SettingsError lists them."""
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
    """A URL of one of these schemes; None if it is not set. No error repeats it; `also` is what else may be written."""
    text = environment.get(name, "")
    if not text:
        return None
    # The value may hold a password, so no message repeats it.
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid = False
        parts = urlsplit("")
    if parts.scheme not in schemes or not port_is_valid or not (parts.hostname or parts.query):
        wanted = " or ".join(f"{scheme}://host:port/..." for scheme in schemes)
        raise SettingsError(f"{name} is not a usable URL; write it as {wanted}{alternatives}")
    return text


def parse_number(environment: Mapping[str, str], name: str, default: float, *, minimum: float, maximum: float) -> float:
    """A number from `least` to `most`, both included. SettingsError tells the bounds."""
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
    """Whether it is on. SettingsError for what is neither on nor off."""
    text = environment.get(name, "").lower()
    if not text:
        return default
    if text not in {"on", "off", "true", "false", "1", "0"}:
        raise SettingsError(f"{name} is {text!r}; write on or off")
    return text in {"on", "true", "1"}


def parse_secret(environment: Mapping[str, str], name: str) -> SecretReference | None:
    """Where a secret stands, by its ARN; None if it is not set. SettingsError does not repeat what is no ARN."""
    text = environment.get(name, "")
    if not text:
        return None
    # Whoever puts the secret itself here must not read it in a log.
    if not SECRET_ARN.fullmatch(text):
        raise SettingsError(f"{name} is no ARN of a secret: arn:aws:secretsmanager:region:account:secret:name")
    return SecretReference(name, text)


def require_region(environment: Mapping[str, str], purpose: str) -> str:
    """The region of AWS. SettingsError says of what it is wanted: `of`."""
    region = environment.get("AWS_REGION") or None
    if region is None:
        raise SettingsError(f"AWS_REGION is missing; set it to the region of {purpose}")
    return region
