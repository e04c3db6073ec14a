"""Numbers with their units: durations, sizes and shares, equal if they are as much in other units."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from resolvers.answers.words import number

TIME, SIZE, SHARE = "time", "size", "share"
# Each line has the units of a kind with one size, in seconds, bytes or percent. Single letters follow a digit.
_UNITS = {
    unit: (kind, Fraction(size))
    for kind, size, units in (
        (TIME, "1/1000000", "us microsecond microseconds"),
        (TIME, "1/1000", "ms msec millisecond milliseconds"),
        (TIME, "1", "s sec secs second seconds"),
        (TIME, "60", "m min mins minute minutes"),
        (TIME, "3600", "h hr hrs hour hours"),
        (TIME, "86400", "d day days"),
        (TIME, "604800", "w week weeks"),
        (SIZE, "1", "byte bytes"),
        (SIZE, "1000", "k kb kilobyte kilobytes"),
        (SIZE, "1000000", "mb megabyte megabytes"),
        (SIZE, "1000000000", "g gb gigabyte gigabytes"),
        (SIZE, "1000000000000", "t tb terabyte terabytes"),
        (SIZE, "1024", "ki kib kibibyte kibibytes"),
        (SIZE, "1048576", "mi mib mebibyte mebibytes"),
        (SIZE, "1073741824", "gi gib gibibyte gibibytes"),
        (SIZE, "1099511627776", "ti tib tebibyte tebibytes"),
        (SHARE, "1", "% percent"),
    )
    for unit in units.split()
}
_MARKS = re.compile(r"[*`]")
# '512M' is a size, and '5m' a time.
_CAPITALS = {"M": "mb"}
_WORDS = "|".join(sorted(filter(str.isalpha, _UNITS), key=len, reverse=True))
# 'A second replica' is no time.
_NUMBER = r"\d+(?:[.,]\d+)*|(?!(?:a|one) second \w)[a-z]+(?=[ -])"
_AMOUNT = re.compile(
    rf"(?<![\w.])(?P<first>{_NUMBER})(?:[ -]?(?:-|–|to|and|or)[ -]?(?P<last>{_NUMBER}))??"
    rf"(?P<space>[ -]?)(?P<unit>%|(?:{_WORDS})(?!\w))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A kind, TIME, SIZE or SHARE, and how much: seconds, bytes or percent, 0 or more."""

    kind: str
    size: Fraction


def list_amounts(text: str) -> Iterator[Amount]:
    """Yield the numbers with a unit, in digits or words; of a range, '5 to 10 minutes', both. 'A minute' is one."""
    for match in _AMOUNT.finditer(" ".join(_MARKS.sub("", text).split())):
        unit = match["unit"]
        kind, size = _UNITS[_CAPITALS.get(unit, unit.lower())]
        for digits in filter(None, (match["first"], match["last"])):
            value = _value(digits.lower())
            if value is not None and (digits[0].isdigit() or len(unit) > 1):
                yield Amount(kind, value * size)


def keeps_amounts(text: str, source: str) -> bool:
    """Whether a source has each number with a unit of a text, in the same unit or as much in another one."""
    return set(list_amounts(text)) <= _read_amounts(source)


@lru_cache(32)
def _read_amounts(source: str) -> frozenset[Amount]:
    return frozenset(list_amounts(source))


def _value(digits: str) -> Fraction | None:
    if digits in {"a", "an", "one"}:
        return Fraction(1)
    plain = (number(digits) or digits).replace(",", "")
    return Fraction(plain) if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", plain) else None
