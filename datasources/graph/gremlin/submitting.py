"""The client interface that the adapter needs: traversals in, rows out."""

from typing import Any, Protocol

from gremlin_python.process.graph_traversal import GraphTraversal

from datasources.health import Health


class TraversalClient(Protocol):
    """Sends traversals to an engine. Raises SourceUnavailable, SourceTimeout and SourceRefused, of source `graph`."""

    async def submit(self, traversal: GraphTraversal, verb: str, *, writes: bool = False) -> list[Any]:
        """Return the results as str, int, float, bool, None, list and dict, in order; equal results may be adjacent.

        `verb` is the name of the walk in the log. The traversal must be idempotent: it is sent again after a lost
        connection. It runs within the remaining deadline of the current request, and each attempt counts as one of its
        traversals. `writes` sends it to the writer, and all later reads of the same request too.
        """
        ...

    async def health(self) -> Health:
        """Run one round trip to the engine; an unreachable engine is reported, not raised."""
        ...

    async def close(self) -> None:
        """Close the connections and end the thread."""
        ...
