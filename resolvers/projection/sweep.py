"""A slow comparison beside everything else: a page of the graph at a time, mended where it differs."""

from dataclasses import dataclass

from datasources.call import Call, calling
from datasources.graph.projection import Changes, NodeChange
from datasources.graph.recursive.truth import Truth
from datasources.sources import Sources
from resolvers.projection.edges import Comparison
from resolvers.projection.nodes import remove_nodes
from resolvers.projection.stale import WALKED

# Nodes of a page, each with the edges that leave it.
PAGE = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """How many nodes were compared, how many differences were found there, and how many could not be mended."""

    nodes: int = 0
    divergent: int = 0
    left: int = 0


class Sweep:
    """Goes through the items in order of id, over and over. A node that the tables do not have is on no page:
    `stackflow graph check` finds those. Comparing hashes of buckets would be cheaper, and is a later step."""

    def __init__(self, sources: Sources, page: int = PAGE) -> None:
        self._sources = sources
        self._page = page
        self._last: str | None = None

    async def page(self) -> Swept:
        """Compare and mend the next page; nothing without a graph. Errors are those of the database and the graph."""
        projection = self._sources.projection
        if projection is None:
            return Swept()
        with calling(Call()):
            truth = Truth(self._sources.main)
            ids = await truth.nodes(self._last, self._page)
            if ids:
                # Applying what is there already changes nothing, and a node has no more facts than that it is.
                await projection.apply(Changes(nodes=tuple(NodeChange(id) for id in ids)))
                # One of them may have gone while it was sent.
                await remove_nodes(truth, projection, ids)
            mended = await Comparison(truth, projection).mended(ids)
            if mended.found.differences:
                await self._sources.cache.invalidate(WALKED)
        self._last = ids[-1] if len(ids) == self._page else None
        return Swept(len(ids), len(mended.found.differences), len(mended.left))
