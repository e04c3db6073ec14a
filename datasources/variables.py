"""The declaration of a setting: its environment variable, its meaning, and the values that it accepts."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Variable:
    """The environment variable of a field, in the annotation of the field. settings/variables.py reads it.

    `meaning`, `default` and `values` are the columns of docs/settings.md; an empty `default` or `values` follows from
    the field. A number is from `minimum` to `maximum`, inclusive. A URL has one of the `schemes`. A text matches
    `pattern`; `remedy` ends the error message of one that does not. The text `none` is the value None.
    """

    name: str
    meaning: str
    minimum: float = -inf
    maximum: float = inf
    schemes: tuple[str, ...] = ()
    pattern: str = ""
    remedy: str = ""
    none: str = ""
    default: str = ""
    values: str = ""
