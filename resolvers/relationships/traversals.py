"""Traversals of the graph: neighbours, dependencies, dependents and paths. For impact see `resolvers/impact`."""

from dataclasses import replace

from datasources.graph.port import Neighbours, Paths, Position, Reach, StepPosition, Walk
from resolvers.context import Context
from resolvers.relationships.loaders import (
    NeighboursArguments,
    NeighboursByConfigurationItem,
    PathsArguments,
    PathsByEnds,
    ReachArguments,
    ReachByStarts,
)


async def fetch_neighbours(context: Context, item_id: str, walk: Walk, after: StepPosition | None) -> Neighbours:
    """Fetch a page of an item's relationships, one hop: `max_nodes` of the walk bounds the page."""
    # One item's page never needs more relationships than it shows.
    walk = replace(walk, fan_out=walk.max_nodes)
    return await context.loader(NeighboursByConfigurationItem, NeighboursArguments(walk, after)).load(item_id)


async def fetch_reach(context: Context, item_id: str, walk: Walk, after: Position | None) -> Reach:
    """Fetch a page of what the walk reaches from an item, nearest first: its dependencies or its dependents."""
    return await context.loader(ReachByStarts, ReachArguments(walk, after)).load((item_id,))


async def find_paths(context: Context, start_id: str, end_id: str, walk: Walk, limit: int) -> Paths:
    """Find all shortest paths between two items, at most `limit`."""
    return await context.loader(PathsByEnds, PathsArguments(walk, limit)).load((start_id, end_id))
