"""Dependency graphs of names: cycles, and everything that is reachable from a node."""

from collections.abc import Collection, Mapping, Sequence

Edges = Mapping[str, Collection[str]]


def find_reachable(edges: Edges, start: str) -> set[str]:
    """Return the nodes that are reachable by at least one edge; includes the node itself if it is on a cycle."""
    reached: set[str] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += edges.get(node, ())
    return reached


def find_cycles(edges: Edges) -> list[list[str]]:
    """Return one shortest cycle for each strongly connected component, as a, b, a; in the order of `edges`.

    A node that is not a key of `edges` has no edges. Empty for an acyclic graph. Time: nodes times edges.
    """
    reach = {node: find_reachable(edges, node) for node in edges}
    cycles: list[list[str]] = []
    covered: set[str] = set()
    for node in edges:
        if node in reach[node] and node not in covered:
            covered |= {other for other in reach[node] if node in reach.get(other, ())}
            cycles.append(_shortest(edges, node))
    return cycles


def _shortest(edges: Edges, start: str) -> list[str]:
    # Breadth-first search from the start back to the start.
    paths: list[list[str]] = [[start]]
    seen: set[str] = set()
    while True:
        longer: list[list[str]] = []
        for path in paths:
            for node in edges.get(path[-1], ()):
                if node == start:
                    return [*path, start]
                if node not in seen:
                    seen.add(node)
                    longer.append([*path, node])
        paths = longer


def format_cycle(cycle: Sequence[str]) -> str:
    """Return a cycle for display: a -> b -> a."""
    return " -> ".join(cycle)
