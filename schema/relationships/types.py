"""Relationships, neighbours, dependencies and dependents of configuration items."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from datasources.graph.port import Capped as CappedFact
from datasources.graph.port import Direction as WalkDirection
from datasources.graph.port import Neighbours as NeighboursFact
from datasources.graph.port import Position, Reach, Reached, Step, StepPosition
from datasources.records.relationships import RelationshipRecord
from resolvers.configuration_items.loaders import ConfigurationItemById
from resolvers.context import Context
from resolvers.relationships.loaders import (
    DegreesByConfigurationItem,
    RedundancyGroupById,
    RelationshipById,
)
from resolvers.relationships.traversals import fetch_neighbours, fetch_reach
from resolvers.taxonomy.relationship_type_loaders import RelationshipTypeByKey
from schema.declarations.connections import PageInfo, PageInfoValue, first_and_last, to_page_info
from schema.declarations.enums import register_enum
from schema.declarations.fields import PAGE, Argument, attribute, field, link
from schema.declarations.ids import encode_id
from schema.declarations.node import Node, id_field
from schema.declarations.walk_arguments import (
    AFTER_ARGUMENT,
    AS_OF_ARGUMENT,
    FAN_OUT_ARGUMENT,
    FIRST_ARGUMENT,
    TYPES_ARGUMENT,
    decode_position,
    decode_step_position,
    depth_argument,
    encode_position,
    encode_step_position,
    to_walk,
)
from schema.lazy_types import LazyConfigurationItem
from schema.taxonomy.relationship_types import READ_PERMISSION as TYPES_READ_PERMISSION
from schema.taxonomy.relationship_types import RelationshipType

READ_PERMISSION = "relationships:read"
ITEMS_READ_PERMISSION = "configuration-items:read"


@strawberry.type(
    description="Relationships of one item, of which only a number must be healthy: the loss of one does not always "
    "fail the item."
)
class RedundancyGroup:
    id: strawberry.ID = attribute(
        "Its global id: `rg_` and the row's uuid.", of=lambda group: encode_id("rg", group.id)
    )
    name: str = attribute("Its name, unique for the item.")
    needed: int = attribute("The minimum number of healthy members; with fewer, the item fails.")
    dependent: LazyConfigurationItem | None = link(
        ConfigurationItemById, "The item that depends on the group.", key="dependent_id", needs=ITEMS_READ_PERMISSION
    )
    member_ids: list[strawberry.ID] = attribute(
        "The global ids of the member items, in order; pass them to `nodes`.",
        of=lambda group: [encode_id("ci", each) for each in group.members],
        size=5,
    )


@strawberry.type(description="A relationship of two configuration items, as its source declared it.")
class Relationship(Node):
    record = RelationshipRecord
    prefix = "rel"
    by_id = RelationshipById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("rel")
    type_key: str = attribute("The key of its type, for example `depends_on`.")
    type: RelationshipType | None = link(
        RelationshipTypeByKey, "Its type.", key="type_key", needs=TYPES_READ_PERMISSION
    )
    source: str = attribute("The source that declared it.")
    attributes: JSON = attribute("Further attributes from its source.")
    version: int = attribute("Increases by one with each write.")
    valid_from: datetime = attribute("The time from which this version is valid.")
    from_: LazyConfigurationItem | None = link(
        ConfigurationItemById, "The item at its start.", key="from_id", needs=ITEMS_READ_PERMISSION, name="from"
    )
    to: LazyConfigurationItem | None = link(
        ConfigurationItemById, "The item at its end.", key="to_id", needs=ITEMS_READ_PERMISSION
    )
    redundancy_group: RedundancyGroup | None = link(
        RedundancyGroupById, "The redundancy group it is a member of.", key="redundancy_group_id", needs=READ_PERMISSION
    )


@strawberry.type(description="A relationship, seen from one of its configuration items.")
class Neighbour:
    node: LazyConfigurationItem | None = link(
        ConfigurationItemById, "The item at the other end.", key="neighbour_id", needs=ITEMS_READ_PERMISSION
    )
    outgoing: bool = attribute("Whether the relationship, as declared, starts at the item from which it is seen.")
    type_key: str = attribute("The key of its type, for example `depends_on`.", of="edge.type")
    type: RelationshipType | None = link(
        RelationshipTypeByKey, "Its type.", key="edge.type", needs=TYPES_READ_PERMISSION
    )
    relationship_id: strawberry.ID = attribute(
        "The global id of the relationship.", of=lambda step: encode_id("rel", step.edge.id)
    )
    relationship: Relationship | None = link(
        RelationshipById, "The relationship; null if it was deleted.", key="edge.id", needs=READ_PERMISSION
    )
    cursor: str = attribute("Pass it as `after`.", of=lambda step: encode_step_position(_step_position(step)))


@strawberry.type(description="Relationships of one item, ordered by the id of the other end.")
class NeighbourConnection:
    edges: list[Neighbour] = attribute("The relationships of the page.", of="steps", size=PAGE)
    nodes: list[LazyConfigurationItem | None] | None = field(
        lambda context, neighbours, _: context.loader(ConfigurationItemById).load_many(
            [step.neighbour_id for step in neighbours.steps]
        ),
        "The items at the other ends, once for each relationship.",
        needs=ITEMS_READ_PERMISSION,
        size=PAGE,
    )
    total_count: int = attribute("The exact number of relationships, over all pages; costs nothing.", of="degree")
    page_info: PageInfo = attribute("The position of the page.", of=lambda neighbours: _neighbour_page_info(neighbours))


@strawberry.type(description="The number of relationships of one type that a configuration item has.")
class Degree:
    type_key: str = attribute("The key of the type.", of="type")
    outgoing: int = attribute("The number that start at the item.")
    incoming: int = attribute("The number that end at the item.")


@strawberry.type(description="An item of which not all relationships were followed.")
class CappedItem:
    node: LazyConfigurationItem | None = link(ConfigurationItemById, "The item.", key="id", needs=ITEMS_READ_PERMISSION)
    depth: int = attribute("The number of hops to it.")
    degree: int = attribute("The exact number of its relationships in this direction.")
    shown: int = attribute(
        "The number of relationships that were followed. Read the others with `neighbours` of the item."
    )


@strawberry.type(description="An item that a walk reached.")
class ReachedItem:
    node: LazyConfigurationItem | None = link(ConfigurationItemById, "The item.", key="id", needs=ITEMS_READ_PERMISSION)
    depth: int = attribute("The smallest number of hops to it.")
    cursor: str = attribute("Pass it as `after`.", of=lambda node: encode_position(Position(node.depth, node.id)))


@dataclass(frozen=True, slots=True)
class ReachValue:
    """A reach, and whether it continues from a cursor."""

    reach: Reach
    resumed: bool

    @property
    def nodes(self) -> tuple[Reached, ...]:
        return self.reach.nodes

    @property
    def capped(self) -> tuple[CappedFact, ...]:
        return self.reach.capped


@strawberry.type(description="The items that a walk reached, nearest first; everything that is left out is reported.")
class ReachConnection:
    edges: list[ReachedItem] = attribute("The items of the page with their depth.", of="nodes", size=PAGE)
    nodes: list[LazyConfigurationItem | None] | None = field(
        lambda context, reach, _: context.loader(ConfigurationItemById).load_many([node.id for node in reach.nodes]),
        "The items of the page.",
        needs=ITEMS_READ_PERMISSION,
        size=PAGE,
    )
    truncated: bool = attribute("Whether more items follow, or relationships were capped.", of="reach.truncated")
    capped: list[CappedItem] = attribute("The items of which not all relationships were followed.", size=10)
    page_info: PageInfo = attribute("The position of the page.", of=lambda reach: _reach_page_info(reach))


class NeighbourDirection(StrEnum):
    OUT = "OUT"
    IN = "IN"
    BOTH = "BOTH"


register_enum(
    NeighbourDirection,
    "The direction of the relationships of an item.",
    OUT="Relationships that start at the item.",
    IN="Relationships that end at the item.",
    BOTH="Relationships in both directions.",
)


async def _neighbours(context: Context, item: Any, arguments: Mapping[str, Any]) -> NeighboursFact:
    direction = WalkDirection((arguments.get("direction") or NeighbourDirection.BOTH).value)
    walk = to_walk(context, direction, arguments, 1)
    return await fetch_neighbours(context, item.id, walk, decode_step_position(arguments.get("after")))


def _reach_resolver(direction: WalkDirection) -> Any:
    async def call(context: Context, item: Any, arguments: Mapping[str, Any]) -> ReachValue:
        walk = to_walk(context, direction, arguments, 1)
        after = decode_position(arguments.get("after"))
        return ReachValue(await fetch_reach(context, item.id, walk, after), resumed=after is not None)

    return call


@strawberry.type
class HasRelationships:
    """Adds neighbours, dependencies, dependents and degrees to a type."""

    neighbours: NeighbourConnection | None = field(
        _neighbours,
        "Its relationships, one hop, as declared. One traversal for all items of one level.",
        needs=READ_PERMISSION,
        column="id",
        arguments=(
            Argument("direction", NeighbourDirection | None, "OUT, IN or BOTH. Default BOTH."),
            TYPES_ARGUMENT,
            FIRST_ARGUMENT,
            AFTER_ARGUMENT,
            AS_OF_ARGUMENT,
        ),
    )
    dependencies: ReachConnection | None = field(
        _reach_resolver(WalkDirection.DEPENDENCIES),
        "The items that it depends on, directly or indirectly. One traversal for all items of one level.",
        needs=READ_PERMISSION,
        column="id",
        arguments=(depth_argument(1), FIRST_ARGUMENT, AFTER_ARGUMENT, TYPES_ARGUMENT, FAN_OUT_ARGUMENT, AS_OF_ARGUMENT),
    )
    dependents: ReachConnection | None = field(
        _reach_resolver(WalkDirection.DEPENDENTS),
        "The items that depend on it, directly or indirectly. One traversal for all items of one level.",
        needs=READ_PERMISSION,
        column="id",
        arguments=(depth_argument(1), FIRST_ARGUMENT, AFTER_ARGUMENT, TYPES_ARGUMENT, FAN_OUT_ARGUMENT, AS_OF_ARGUMENT),
    )
    degrees: list[Degree] | None = link(
        DegreesByConfigurationItem,
        "The exact number of its relationships of each type.",
        key="id",
        needs=READ_PERMISSION,
        arguments=(AS_OF_ARGUMENT,),
        loader_arguments=lambda context, arguments: arguments.get("asOf"),
        size=10,
    )


def _step_position(step: Step) -> StepPosition:
    return StepPosition(step.neighbour_id, step.edge.id, step.outgoing)


def _neighbour_page_info(neighbours: NeighboursFact) -> PageInfoValue:
    return to_page_info(
        [encode_step_position(_step_position(step)) for step in first_and_last(neighbours.steps)],
        has_more=neighbours.truncated,
        has_previous=False,
    )


def _reach_page_info(value: ReachValue) -> PageInfoValue:
    cursors = [encode_position(Position(node.depth, node.id)) for node in first_and_last(value.nodes)]
    return to_page_info(cursors, has_more=value.reach.cursor is not None, has_previous=value.resumed)
