"""Marks: what a graph store remembers as long as it has not been emptied behind our back."""

from typing import Protocol


class CompletenessMarker(Protocol):
    """Whether a store is the one that was told everything. One that keeps its graph in memory, or that was replaced by
    an empty one, answers as before and holds nothing: nothing else tells of it. Errors are those of the graph port."""

    async def is_complete(self) -> bool:
        """Whether `finish` was called since the store was emptied."""
        ...

    async def begin(self) -> None:
        """Everything is going to be told now."""
        ...

    async def finish(self) -> bool:
        """Everything was told; false if the store was emptied since `begin`, and then it is not whole."""
        ...
