"""What the adapter needs of a client: traversals in, rows out."""

from typing import Any, Protocol

from gremlin_python.process.graph_traversal import GraphTraversal

from datasources.health import Health


class TraversalClient(Protocol):
    """Sends traversals to an engine. Errors: SourceUnavailable, SourceTimeout, SourceRefused, of source `graph`."""

    async def submit(self, traversal: GraphTraversal, verb: str, *, writes: bool = False) -> list[Any]:
        """The results as str, int, float, bool, None, list and dict, in order; equal ones may stand together.

        `verb` names the walk in the log. The traversal must be safe to send twice: what was sent and lost is sent
        again. It runs within what is left of the current call's deadline, and counts one of its traversals for each
        attempt. `writes` sends it to the writer, as are later reads of the same call.
        """
        ...

    async def health(self) -> Health:
        """One round trip; never raises for an unreachable engine."""
        ...

    async def close(self) -> None:
        """Close the sockets and end the thread."""
        ...
