"""What one writer's acknowledged mutations must have left, in memory."""

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Item:
    """A configuration item that its writer alone changes."""

    id: str
    name: str
    class_key: str
    status: str
    attributes: dict[str, Any]
    version: int = 1


@dataclass(frozen=True)
class Edge:
    """A relationship that its writer alone changes."""

    id: str
    from_id: str
    to_id: str
    attributes: dict[str, Any]
    version: int = 1


@dataclass(frozen=True)
class Record:
    """An incident or a change: its title, its state, and how many entries its activities or audit must have."""

    id: str
    title: str
    state: str
    version: int = 1


@dataclass
class Model:
    """Everything of one writer, and what it did to items that all writers share."""

    items: dict[str, Item] = field(default_factory=dict)
    edges: dict[str, Edge] = field(default_factory=dict)
    incidents: dict[str, Record] = field(default_factory=dict)
    changes: dict[str, Record] = field(default_factory=dict)
    # Acknowledged updates of shared items, by id.
    shared: dict[str, int] = field(default_factory=dict)
    # Acknowledged calls that wrote, each under a key of its own.
    keys: int = 0

    def put_item(self, item: Item, **values: Any) -> None:
        """The item one version further."""
        self.items[item.id] = replace(item, version=item.version + 1, **values)

    def put_edge(self, edge: Edge, **values: Any) -> None:
        """The relationship one version further."""
        self.edges[edge.id] = replace(edge, version=edge.version + 1, **values)

    def alive(self) -> list[Item]:
        """Items that are not retired, in the order in which they were made."""
        return [item for item in self.items.values() if item.status != "RETIRED"]
