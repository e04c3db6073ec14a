"""Who waits for whom: cycles with their names, and all that must be over before a step."""

from collections.abc import Collection, Mapping, Sequence

Edges = Mapping[str, Collection[str]]


def find_reachable(edges: Edges, start: str) -> set[str]:
    """What can be reached from a node by one edge or more; the node itself if it is on a cycle."""
    found: set[str] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += edges.get(node, ())
    return found


def find_cycles(edges: Edges) -> list[list[str]]:
    """One shortest cycle for each set of nodes that can all reach each other, each as a, b, a; in order of `edges`.

    A node that is no key of `edges` has no edges. Empty for an acyclic graph. Time grows with nodes times edges.
    """
    reach = {node: find_reachable(edges, node) for node in edges}
    found: list[list[str]] = []
    told: set[str] = set()
    for node in edges:
        if node in reach[node] and node not in told:
            told |= {other for other in reach[node] if node in reach.get(other, ())}
            found.append(_shortest(edges, node))
    return found


def _shortest(edges: Edges, start: str) -> list[str]:
    # Breadth first from the start back to it.
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
    """A cycle as people read it: a -> b -> a."""
    return " -> ".join(cycle)
