"""Generated values: mostly plausible, some hostile; written as JSON, numbers beyond Python's included."""

import json
import random
from typing import Any

# Numbers that no Python value writes, as marks that `encode` replaces by what stands behind them.
NUMBERS = {"<1e400>": "1e400", "<-1e400>": "-1e400", "<digits>": "1" + "0" * 400, "<fraction>": "0." + "3" * 400}

TEXTS = (
    "", " ", "a", "redis", "x" * 600, "é☃😀", "a\0b", "\ud83d", "\udc00 a", "%_\\", "'\"--;", "NaN", "null", "-1",
    "\u2028\u202e\ufeff", "9999-12-31T23:59:59Z", "漢" * 400, "run:00000000-0000-4000-8000-000000000000", "(a|aa)+$",
)  # fmt: skip
TIMES = (
    "2026-03-01T12:00:00Z", "2026-03-01T12:00:00+14:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00", "2026-03-01T12:00:00", "infinity", "1e9", "",
)  # fmt: skip
INTEGERS = (0, 1, 3, 5, -1, 6, 500, 10_000, 2**31 - 1, -(2**31), 2**31, 2**53 + 1, 2**63, 2**64, 10**400)


def hostile(chance: random.Random) -> Any:
    """Something that few callers send where anything else is expected."""
    pick = chance.random()
    if pick < 0.4:
        return chance.choice(TEXTS)
    if pick < 0.5:
        return chance.choice((None, True, [], {}, [None], 1.5, -0.0, 1e308, float("nan"), float("inf")))
    if pick < 0.65:
        return chance.choice(INTEGERS)
    if pick < 0.75:
        return chance.choice(tuple(NUMBERS))
    if pick < 0.85:
        return nested(chance.choice((2, 31, 33, 130, 254, 300)), chance)
    return document(chance)


def nested(levels: int, chance: random.Random) -> Any:
    """A value within so many lists or objects."""
    value: Any = 1
    for _ in range(levels):
        value = [value] if chance.random() < 0.5 else {"a": value}
    return value


def document(chance: random.Random, depth: int = 0) -> Any:
    """A JSON document, such as attributes."""
    pick = chance.random()
    if pick < 0.15 and depth:
        return chance.choice((None, True, False, *INTEGERS, 1.5, 1e-320, 1e308, *NUMBERS))
    if pick < 0.5 and depth:
        return chance.choice(TEXTS)
    if pick < 0.6 and depth < 4:
        return [document(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return {chance.choice(("tier", "rack", *TEXTS)): document(chance, depth + 1) for _ in range(chance.randint(0, 3))}


def encode(value: Any) -> bytes:
    """The JSON text. Half surrogates become escapes, NaN and infinity the words that some libraries write."""
    text = json.dumps(value)
    for mark, digits in NUMBERS.items():
        text = text.replace(json.dumps(mark), digits)
    return text.encode()
