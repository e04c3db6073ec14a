"""Shortest paths out of the hops that lie on them."""

from collections.abc import Iterator, Mapping
from itertools import islice, pairwise

from datasources.graph.port import Edge, Path, Paths

# The edges of each hop, by the node it leaves and the node it comes to, both in order of id.
Hops = Mapping[str, Mapping[str, tuple[Edge, ...]]]


def build_paths(from_id: str, to_id: str, hops: Hops, most: int, capped: bool) -> Paths:
    """The first `most` paths in order of their node ids.

    Every hop must lie on a path to `to_id`: then no branch is walked in vain and the cost is that of the answer.
    """
    if from_id != to_id and from_id not in hops:
        return Paths((), capped)
    found = [_path(nodes, hops) for nodes in islice(_walks(from_id, to_id, hops), most + 1)]
    return Paths(tuple(found[:most]), capped or len(found) > most)


def _walks(node: str, to_id: str, hops: Hops) -> Iterator[tuple[str, ...]]:
    # Depth first by hand: a path may be as long as the deepest walk, and each yield would climb all of it.
    stack: list[tuple[str, ...]] = [(node,)]
    while stack:
        nodes = stack.pop()
        if nodes[-1] == to_id:
            yield nodes
        else:
            stack.extend((*nodes, head) for head in reversed(tuple(hops[nodes[-1]])))


def _path(nodes: tuple[str, ...], hops: Hops) -> Path:
    return Path(nodes, tuple(hops[tail][head] for tail, head in pairwise(nodes)))
