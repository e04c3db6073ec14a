"""Kahn's way to tell whether steps can be put in order: take away, again and again, whatever waits for nothing."""

from collections.abc import Collection, Mapping


def left_over(edges: Mapping[str, Collection[str]]) -> set[str]:
    """What waits for something for ever: every cycle, and whatever waits for one. Empty without a cycle."""
    left = {node: set(waits) & edges.keys() for node, waits in edges.items()}
    while free := [node for node, waits in left.items() if not waits]:
        for node in free:
            del left[node]
        for waits in left.values():
            waits.difference_update(free)
    return set(left)
