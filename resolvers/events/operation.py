"""What a type of operations events is: its data, the use case that it runs, and whose order it keeps."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from resolvers.events.event import Event
from resolvers.unit_of_work import Write

D = TypeVar("D", bound=Struct)


class EntityReference(NamedTuple):
    """Which entity an event is about, by the names that its source has for it."""

    entity: str
    names: tuple[str, ...]


def _no_entity(_: Struct) -> EntityReference | None:
    return None


@dataclass(frozen=True, slots=True)
class Operation(Generic[D]):
    """A type of events that go through use cases, one at a time.

    `use_case` applies an event; it raises `Refused` as every use case does. Without `about` the order of
    events does not matter: each has its effect. With it, one that is older than the newest of its source and entity has
    none. Steps (`is_step`) and what is said are two orders: an older word does not undo a newer step, nor is it undone
    by one.
    """

    data: type[D]
    use_case: Callable[[Write, D, Event], Awaitable[Sequence[str]]]
    about: Callable[[D], EntityReference | None] = _no_entity
    is_step: bool = False
