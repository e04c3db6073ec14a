"""The completeness marker: it says that a full projection of the graph store has finished."""

from typing import Protocol


class CompletenessMarker(Protocol):
    """Records in the graph store that a full projection has finished. An emptied store loses the marker.

    A store that keeps its graph in memory, or that was replaced by an empty one, answers queries without an error; only
    the missing marker reveals it. Raises the errors of the graph port.
    """

    async def is_complete(self) -> bool:
        """Return whether `finish` was called since the store was last emptied."""
        ...

    async def begin(self) -> None:
        """Record that a full projection starts."""
        ...

    async def finish(self) -> bool:
        """Record that the full projection has finished.

        Returns False if the store was emptied after `begin`; the projection is then incomplete.
        """
        ...
