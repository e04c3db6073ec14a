"""An operations event type: its data, the use case that it runs, and the entity whose order it must respect."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from resolvers.events.event import Event
from resolvers.unit_of_work import Write

D = TypeVar("D", bound=Struct)


class EntityReference(NamedTuple):
    """The entity of an event, identified by the names that its source uses."""

    entity: str
    names: tuple[str, ...]


def _no_entity(_: Struct) -> EntityReference | None:
    return None


@dataclass(frozen=True, slots=True)
class Operation(Generic[D]):
    """A type of events that are applied by use cases, one at a time.

    `use_case` applies an event and raises ValidationFailed as every use case does. Without `about` every event is
    applied in any order. With it, an event that is older than the newest one of its source and entity is skipped.
    Transitions (`is_step`) and other values are ordered separately: an older value neither undoes a newer transition
    nor is undone by one.
    """

    data: type[D]
    use_case: Callable[[Write, D, Event], Awaitable[Sequence[str]]]
    about: Callable[[D], EntityReference | None] = _no_entity
    is_step: bool = False
