"""Compare the nodes of the tables with those of the graph: missing and extra ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datasources.graph.projection import Changes, EdgeChange, NodeChange, Projection
from datasources.graph.recursive.source import RelationalSource
from resolvers.projection.pages import node_pages


@dataclass(frozen=True, slots=True)
class NodeDifferences:
    """Ids of nodes that are missing in the graph, and of extra ones, each sorted; `nodes` is the number of nodes in the
    tables."""

    nodes: int
    missing: list[str]
    extra: list[str]


async def compare_nodes(
    truth: RelationalSource, projection: Projection, size: int, on_progress: Callable[[int], None]
) -> NodeDifferences:
    """Compare all nodes. A difference is read a second time before it counts.

    A graph returns its nodes unordered, so their ids are held in memory: about 120 bytes for each node. `on_progress`
    receives the number of nodes of the tables that were compared.
    """
    unmatched = await _fetch_graph_nodes(projection)
    missing: list[str] = []
    count = 0
    async for page in node_pages(truth, None, size):
        missing += [id for id in page if id not in unmatched]
        unmatched.difference_update(page)
        count += len(page)
        on_progress(count)
    # The remaining nodes are in no page of the tables.
    if not missing and not unmatched:
        return NodeDifferences(count, [], [])
    again = await _fetch_graph_nodes(projection)
    lacking = [id for id in missing if id not in again]
    over = sorted(unmatched & again)
    del unmatched, again
    return NodeDifferences(
        count,
        [id for batch in _batches(lacking, size) for id in sorted(await truth.existing_nodes(batch))],
        [id for batch in _batches(over, size) for id in await _find_extra(truth, batch)],
    )


async def remove_nodes(truth: RelationalSource, projection: Projection, ids: Sequence[str]) -> int:
    """Remove nodes that the tables do not contain, with their edges; return their number. Recreated nodes stay."""
    gone = await _find_extra(truth, ids)
    if not gone:
        return 0
    await projection.apply(Changes(nodes=tuple(NodeChange(id, removed=True) for id in gone)))
    # A node that was created again in the meantime was removed with its new edges: restore both.
    back = sorted(await truth.existing_nodes(gone))
    if back:
        edges = await truth.adjacent_edges(back)
        await projection.apply(
            Changes(tuple(NodeChange(id) for id in back), tuple(EdgeChange(version) for version in edges))
        )
    return len(gone) - len(back)


async def _fetch_graph_nodes(projection: Projection) -> set[str]:
    ids: set[str] = set()
    async for page in projection.nodes():
        ids.update(page)
    return ids


async def _find_extra(truth: RelationalSource, ids: Sequence[str]) -> list[str]:
    known = await truth.existing_nodes(ids)
    return [id for id in ids if id not in known]


def _batches(ids: list[str], size: int) -> list[list[str]]:
    return [ids[begin : begin + size] for begin in range(0, len(ids), size)]
