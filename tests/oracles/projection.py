"""The projection over two dictionaries: what was applied, one change after the other."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from datasources.graph.projection import Changes, EdgeVersion

Key = tuple[str, datetime | None]


def key(version: EdgeVersion) -> Key:
    """What tells versions of an edge apart: there is one that still is, and one from each moment that no longer is."""
    return version.edge.id, None if version.valid_to is None else version.valid_from


class OracleProjection:
    """Holds every node and version in memory; each batch is applied whole, as nothing in between can fail."""

    def __init__(self, page: int = 3) -> None:
        self.ids: set[str] = set()
        self.versions: dict[Key, EdgeVersion] = {}
        # Every batch, in order, so that tests can say what was sent.
        self.applied: list[Changes] = []
        self._page = page

    async def apply(self, changes: Changes) -> None:
        self.applied.append(changes)
        for node in changes.nodes:
            if node.removed:
                self.ids.discard(node.id)
                self.versions = {
                    key: version
                    for key, version in self.versions.items()
                    if node.id not in (version.edge.from_id, version.edge.to_id)
                }
            else:
                self.ids.add(node.id)
        for change in changes.edges:
            if change.removed:
                self.versions.pop(key(change.version), None)
            else:
                self.versions[key(change.version)] = change.version
                self.ids |= {change.version.edge.from_id, change.version.edge.to_id}

    async def nodes(self) -> AsyncIterator[Sequence[str]]:
        # Backwards, for no order is promised.
        held = sorted(self.ids, reverse=True)
        for begin in range(0, len(held), self._page):
            yield held[begin : begin + self._page]

    async def outgoing_edges(self, ids: Sequence[str]) -> Mapping[str, Sequence[EdgeVersion]]:
        return {
            id: sorted(
                (version for version in self.versions.values() if version.edge.from_id == id),
                key=lambda version: (version.edge.id, version.valid_from),
            )
            for id in ids
        }

    async def clear(self) -> None:
        self.ids.clear()
        self.versions.clear()

    def holds(self) -> tuple[set[str], list[EdgeVersion]]:
        """Everything, edges by (id, valid_from)."""
        return self.ids, sorted(self.versions.values(), key=lambda version: (version.edge.id, version.valid_from))
