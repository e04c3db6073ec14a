"""The completeness marker in a Gremlin store: two nodes with their own label, excluded from walks and comparisons."""

from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import T

from datasources.graph.gremlin import model
from datasources.graph.gremlin.source import g
from datasources.graph.gremlin.submitting import TraversalClient


class GremlinCompletenessMarker:
    """See the port."""

    def __init__(self, client: TraversalClient) -> None:
        self._client = client

    async def is_complete(self) -> bool:
        """See the port."""
        return bool(await self._client.submit(g.V(model.COMPLETE_MARKER_ID).id_(), "mark", writes=True))

    async def begin(self) -> None:
        """See the port."""
        await self._client.submit(
            g.inject([_mark(model.STARTED_MARKER_ID)]).unfold().merge_v(__.identity()).count(), "begin", writes=True
        )

    async def finish(self) -> bool:
        """Set the marker in one traversal, so that the store cannot be emptied between the check and the write."""
        merge = g.V(model.STARTED_MARKER_ID).constant(_mark(model.COMPLETE_MARKER_ID)).merge_v(__.identity()).count()
        return await self._client.submit(merge, "finish", writes=True) == [1]


def _mark(id: str) -> dict[T, str]:
    return {T.id_: id, T.label: model.MARKER_LABEL}
