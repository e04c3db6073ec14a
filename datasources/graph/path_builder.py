"""Builds shortest paths from the hops on them."""

from collections.abc import Iterator, Mapping
from itertools import islice, pairwise

from datasources.graph.port import Edge, Path, Paths

# The edges of each hop, by tail node and head node, both in order of id.
Hops = Mapping[str, Mapping[str, tuple[Edge, ...]]]


def build_paths(from_id: str, to_id: str, hops: Hops, most: int, capped: bool) -> Paths:
    """Return the first `most` paths in order of their node ids.

    Every hop must be on a path to `to_id`: then there are no dead ends, and the cost is proportional to the answer.
    """
    if from_id != to_id and from_id not in hops:
        return Paths((), capped)
    paths = [_path(nodes, hops) for nodes in islice(_walks(from_id, to_id, hops), most + 1)]
    return Paths(tuple(paths[:most]), capped or len(paths) > most)


def _walks(node: str, to_id: str, hops: Hops) -> Iterator[tuple[str, ...]]:
    # An explicit stack: paths can be as long as the deepest walk, and recursive generators would pass each one up.
    stack: list[tuple[str, ...]] = [(node,)]
    while stack:
        nodes = stack.pop()
        if nodes[-1] == to_id:
            yield nodes
        else:
            stack.extend((*nodes, head) for head in reversed(tuple(hops[nodes[-1]])))


def _path(nodes: tuple[str, ...], hops: Hops) -> Path:
    return Path(nodes, tuple(hops[tail][head] for tail, head in pairwise(nodes)))
