"""The nodes of the tables and of the graph: which are missing there, which are too many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datasources.graph.projection import Changes, EdgeChange, NodeChange, Projection
from datasources.graph.recursive.source import RelationalSource
from resolvers.projection.pages import node_pages


@dataclass(frozen=True, slots=True)
class NodeDifferences:
    """Ids of nodes that the graph lacks, and of those that the tables lack, each in order; `nodes` is how many nodes
    the tables have."""

    nodes: int
    missing: list[str]
    extra: list[str]


async def compare_nodes(
    truth: RelationalSource, projection: Projection, size: int, on_progress: Callable[[int], None]
) -> NodeDifferences:
    """Every node of both. What differs is read a second time before it is believed.

    A graph gives its nodes in no order, so their ids are held meanwhile: about 120 bytes a node. `seen` hears how many
    of the tables' nodes were compared.
    """
    held = await _fetch_graph_nodes(projection)
    missing: list[str] = []
    count = 0
    async for page in node_pages(truth, None, size):
        missing += [id for id in page if id not in held]
        held.difference_update(page)
        count += len(page)
        on_progress(count)
    # What is left over no page of the tables had.
    if not missing and not held:
        return NodeDifferences(count, [], [])
    again = await _fetch_graph_nodes(projection)
    lacking = [id for id in missing if id not in again]
    over = sorted(held & again)
    del held, again
    return NodeDifferences(
        count,
        [id for batch in _batches(lacking, size) for id in sorted(await truth.existing_nodes(batch))],
        [id for batch in _batches(over, size) for id in await _find_extra(truth, batch)],
    )


async def remove_nodes(truth: RelationalSource, projection: Projection, ids: Sequence[str]) -> int:
    """Remove nodes that the tables do not have, with their edges; how many. Those that are back meanwhile stay."""
    gone = await _find_extra(truth, ids)
    if not gone:
        return 0
    await projection.apply(Changes(nodes=tuple(NodeChange(id, removed=True) for id in gone)))
    # One that came back in between was removed with what was told of it since.
    back = sorted(await truth.existing_nodes(gone))
    if back:
        edges = await truth.adjacent_edges(back)
        await projection.apply(
            Changes(tuple(NodeChange(id) for id in back), tuple(EdgeChange(version) for version in edges))
        )
    return len(gone) - len(back)


async def _fetch_graph_nodes(projection: Projection) -> set[str]:
    held: set[str] = set()
    async for page in projection.nodes():
        held.update(page)
    return held


async def _find_extra(truth: RelationalSource, ids: Sequence[str]) -> list[str]:
    known = await truth.existing_nodes(ids)
    return [id for id in ids if id not in known]


def _batches(ids: list[str], size: int) -> list[list[str]]:
    return [ids[begin : begin + size] for begin in range(0, len(ids), size)]
