"""Shortest paths between two configuration items."""

from collections.abc import Mapping
from typing import Any

import strawberry

from datasources.graph.port import Direction
from datasources.graph.port import Paths as PathsFact
from resolvers.configuration_items.loaders import ConfigurationItemById
from resolvers.context import Context
from resolvers.relationships.loaders import RelationshipById
from resolvers.relationships.traversals import find_paths
from schema.declarations.enums import register_enum
from schema.declarations.fields import PAGE, Argument, attribute, field, link
from schema.declarations.ids import decode_id_as, encode_id
from schema.declarations.paging import check_bounds
from schema.declarations.walk_arguments import AS_OF_ARGUMENT, FAN_OUT_ARGUMENT, TYPES_ARGUMENT, depth_argument, to_walk
from schema.lazy_types import LazyConfigurationItem
from schema.relationships.types import ITEMS_READ_PERMISSION, READ_PERMISSION, Relationship

DEFAULT_DEPTH = 12
MAX_PATHS = 100

register_enum(
    Direction,
    "The direction of a walk: OUT, IN or BOTH as declared; DEPENDENTS in the direction of impact, DEPENDENCIES against "
    "it.",
    name="WalkDirection",
    OUT="Follows relationships from their `from` to their `to`.",
    IN="Follows relationships from their `to` to their `from`.",
    BOTH="Follows relationships in both directions.",
    DEPENDENTS="Follows the direction of impact, to items that depend on the item.",
    DEPENDENCIES="Goes against the direction of impact, to items that the item depends on.",
)


@strawberry.type(description="A relationship on a path.")
class PathRelationship:
    relationship_id: strawberry.ID = attribute(
        "The global id of the relationship.", of=lambda edge: encode_id("rel", edge.id)
    )
    type_key: str = attribute("The key of its type, for example `depends_on`.", of="type")
    relationship: Relationship | None = link(
        RelationshipById, "The relationship; null if it was deleted.", key="id", needs=READ_PERMISSION
    )


@strawberry.type(description="One hop of a path, with all its relationships.")
class Hop:
    relationships: list[PathRelationship] = attribute("Parallel relationships between the two items.", of=list, size=2)


@strawberry.type(description="A shortest path from one item to another.")
class Path:
    length: int = attribute("The number of hops.", of=lambda path: len(path.hops))
    nodes: list[LazyConfigurationItem | None] | None = field(
        lambda context, path, _: context.loader(ConfigurationItemById).load_many(path.nodes),
        "The items from start to end.",
        needs=ITEMS_READ_PERMISSION,
        size=10,
    )
    hops: list[Hop] = attribute("The hops from start to end.", size=10)


@strawberry.type(description="All shortest paths.")
class Paths:
    paths: list[Path] = attribute("The paths, ordered by the ids of their items; empty if there is none.", size=PAGE)
    truncated: bool = attribute("Whether there are more paths, or relationships were capped.")


async def _paths(context: Context, _: Any, arguments: Mapping[str, Any]) -> PathsFact:
    start = decode_id_as("ci", arguments["from"], "from")
    end = decode_id_as("ci", arguments["to"], "to")
    direction = arguments.get("direction") or Direction.DEPENDENTS
    max_paths = check_bounds(arguments.get("first") or 10, "first", MAX_PATHS, 1)
    walk = to_walk(context, direction, {k: v for k, v in arguments.items() if k != "first"}, DEFAULT_DEPTH)
    if start is None or end is None:
        return PathsFact((), truncated=False)
    return await find_paths(context, start, end, walk, max_paths)


@strawberry.type
class PathQueries:
    paths: Paths | None = field(
        _paths,
        "All shortest paths from one item to another. One traversal.",
        needs=READ_PERMISSION,
        arguments=(
            Argument("from", strawberry.ID, "The global id of the start."),
            Argument("to", strawberry.ID, "The global id of the end."),
            Argument("direction", Direction | None, "Which relationships to follow. Default DEPENDENTS."),
            depth_argument(DEFAULT_DEPTH),
            Argument("first", int | None, f"The maximum number of paths, 1 to {MAX_PATHS}. Default 10."),
            TYPES_ARGUMENT,
            FAN_OUT_ARGUMENT,
            AS_OF_ARGUMENT,
        ),
    )
