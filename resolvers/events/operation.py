"""What a type of operations events is: its data, the use case that it runs, and whose order it keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from resolvers.events.event import Event
from resolvers.writing import Work

D = TypeVar("D", bound=Struct)


class About(NamedTuple):
    """Which entity an event is about, by the names that its source has for it."""

    entity: str
    names: tuple[str, ...]


def _nobody(_: Struct) -> About | None:
    return None


@dataclass(frozen=True, slots=True)
class Operation(Generic[D]):
    """A type of events that go through use cases, one at a time.

    `work` makes the use case of an event; it raises `Refused` as every use case does. Without `about` the order of
    events does not matter: each has its effect. With it, one that is older than the newest of its source and entity has
    none. Steps (`is_step`) and what is said are two orders: an older word does not undo a newer step, nor is it undone
    by one.
    """

    data: type[D]
    work: Callable[[D, Event], Work]
    about: Callable[[D], About | None] = _nobody
    is_step: bool = False
