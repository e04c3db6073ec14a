"""The price list: each price with its unit, its date and where it was found."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

LIST = Path(__file__).parent / "prices.toml"


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price of what is over so many units in a month."""

    over: Annotated[float, msgspec.Meta(gt=0)]
    usd: Annotated[float, msgspec.Meta(gt=0)]


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """US dollars for one unit. `date` is the source's own if `published`, else the day on which it was read."""

    usd: Annotated[float, msgspec.Meta(gt=0)]
    unit: Annotated[str, msgspec.Meta(min_length=1)]
    date: Annotated[str, msgspec.Meta(pattern=r"^20\d\d(-[01]\d(-[0-3]\d)?)?$")]
    dated: Literal["published", "read"]
    source: Annotated[str, msgspec.Meta(pattern=r"^https://\S+$")]
    note: str = ""
    steps: tuple[Step, ...] = ()

    def of(self, quantity: float) -> float:
        """US dollars for so many units in one month, step by step."""
        found, begin, usd = 0.0, 0.0, self.usd
        for step in self.steps:
            if quantity <= step.over:
                break
            found += (step.over - begin) * usd
            begin, usd = step.over, step.usd
        return found + (quantity - begin) * usd


class UnknownPriceError(Exception):
    """No price of this name is in the list. The message says which are, and where to add it."""


def prices(path: Path = LIST) -> Mapping[str, Price]:
    """All prices by name, in the order of the list. msgspec.ValidationError for a line without its source."""
    return msgspec.convert(tomllib.loads(path.read_text()), dict[str, Price])


def node(listed: Mapping[str, Price], type_: str) -> Price:
    """The price of a cache's node. UnknownPriceError if it is not in the list."""
    if type_ not in listed:
        known = ", ".join(name for name in listed if name.startswith("cache."))
        raise UnknownPriceError(
            f"redis.node_type: no price of {type_} is known, only of {known}; add it to {LIST.name} with its source"
        )
    return listed[type_]
