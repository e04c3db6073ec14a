"""Relationships: neighbours of a configuration item, and what it depends on or what depends on it."""

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
from schema.taxonomy.relationship_types import READ_PERMISSION as TYPES_NEED
from schema.taxonomy.relationship_types import RelationshipType

READ_PERMISSION = "relationships:read"
ITEMS_READ_PERMISSION = "configuration-items:read"


@strawberry.type(
    description="Relationships of one item of which it needs only some, so that losing one does not fail it."
)
class RedundancyGroup:
    id: strawberry.ID = attribute(
        "Its global id: `rg_` and the row's uuid.", of=lambda group: encode_id("rg", group.id)
    )
    name: str = attribute("Its name, unique for the item.")
    needed: int = attribute("The item fails when fewer members are healthy.")
    dependent: LazyConfigurationItem | None = link(
        ConfigurationItemById, "The item that the group keeps up.", key="dependent_id", needs=ITEMS_READ_PERMISSION
    )
    member_ids: list[strawberry.ID] = attribute(
        "The global ids of the items that are members, in order; see `nodes`.",
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
    type: RelationshipType | None = link(RelationshipTypeByKey, "Its type.", key="type_key", needs=TYPES_NEED)
    source: str = attribute("The source that declared it.")
    attributes: JSON = attribute("Whatever else its source says of it.")
    version: int = attribute("Goes up by one with each change.")
    valid_from: datetime = attribute("Since when this version holds.")
    from_: LazyConfigurationItem | None = link(
        ConfigurationItemById, "Where it begins.", key="from_id", needs=ITEMS_READ_PERMISSION, name="from"
    )
    to: LazyConfigurationItem | None = link(
        ConfigurationItemById, "Where it ends.", key="to_id", needs=ITEMS_READ_PERMISSION
    )
    redundancy_group: RedundancyGroup | None = link(
        RedundancyGroupById, "The redundancy group it is a member of.", key="redundancy_group_id", needs=READ_PERMISSION
    )


@strawberry.type(description="A relationship as met from a configuration item.")
class Neighbour:
    node: LazyConfigurationItem | None = link(
        ConfigurationItemById, "The item at the other end.", key="neighbour_id", needs=ITEMS_READ_PERMISSION
    )
    outgoing: bool = attribute("Whether the relationship, as declared, leaves the item it is met from.")
    type_key: str = attribute("The key of its type, for example `depends_on`.", of="edge.type")
    type: RelationshipType | None = link(RelationshipTypeByKey, "Its type.", key="edge.type", needs=TYPES_NEED)
    relationship_id: strawberry.ID = attribute(
        "The global id of the relationship.", of=lambda step: encode_id("rel", step.edge.id)
    )
    relationship: Relationship | None = link(
        RelationshipById, "The relationship itself; null when it holds no longer.", key="edge.id", needs=READ_PERMISSION
    )
    cursor: str = attribute("Pass it as `after`.", of=lambda step: encode_step_position(_step_position(step)))


@strawberry.type(description="Relationships of one item, in order of the other end's id.")
class NeighbourConnection:
    edges: list[Neighbour] = attribute("The relationships of the page.", of="steps", size=PAGE)
    nodes: list[LazyConfigurationItem | None] | None = field(
        lambda context, found, _: context.loader(ConfigurationItemById).load_many(
            [s.neighbour_id for s in found.steps]
        ),
        "The items at the other ends, once for each relationship.",
        needs=ITEMS_READ_PERMISSION,
        size=PAGE,
    )
    total_count: int = attribute("How many relationships there are in all; exact, and free.", of="degree")
    page_info: PageInfo = attribute("Where the page lies.", of=lambda found: _neighbour_page_info(found))


@strawberry.type(description="How many relationships of one type a configuration item has.")
class Degree:
    type_key: str = attribute("The key of the type.", of="type")
    outgoing: int = attribute("How many leave the item.")
    incoming: int = attribute("How many enter it.")


@strawberry.type(description="An item of which not all relationships were followed.")
class CappedItem:
    node: LazyConfigurationItem | None = link(ConfigurationItemById, "The item.", key="id", needs=ITEMS_READ_PERMISSION)
    depth: int = attribute("How many hops it is away.")
    degree: int = attribute("How many relationships it has in this direction; exact.")
    shown: int = attribute("How many of them were followed. Go on with `neighbours` of the item.")


@strawberry.type(description="An item that a walk reached.")
class ReachedItem:
    node: LazyConfigurationItem | None = link(ConfigurationItemById, "The item.", key="id", needs=ITEMS_READ_PERMISSION)
    depth: int = attribute("The least number of hops to it.")
    cursor: str = attribute("Pass it as `after`.", of=lambda node: encode_position(Position(node.depth, node.id)))


@dataclass(frozen=True, slots=True)
class ReachValue:
    """A reach and whether it went on from a cursor."""

    reach: Reach
    resumed: bool

    @property
    def nodes(self) -> tuple[Reached, ...]:
        return self.reach.nodes

    @property
    def capped(self) -> tuple[CappedFact, ...]:
        return self.reach.capped


@strawberry.type(description="What a walk reached, nearest first; nothing is left out silently.")
class ReachConnection:
    edges: list[ReachedItem] = attribute("The items of the page with their depth.", of="nodes", size=PAGE)
    nodes: list[LazyConfigurationItem | None] | None = field(
        lambda context, found, _: context.loader(ConfigurationItemById).load_many([node.id for node in found.nodes]),
        "The items of the page.",
        needs=ITEMS_READ_PERMISSION,
        size=PAGE,
    )
    truncated: bool = attribute("Whether more items follow, or relationships were capped.", of="reach.truncated")
    capped: list[CappedItem] = attribute("The items of which not all relationships were followed.", size=10)
    page_info: PageInfo = attribute("Where the page lies.", of=lambda found: _reach_page_info(found))


class NeighbourDirection(StrEnum):
    OUT = "OUT"
    IN = "IN"
    BOTH = "BOTH"


register_enum(
    NeighbourDirection,
    "Which relationships of an item.",
    OUT="Those that lead from it to others.",
    IN="Those that lead from others to it.",
    BOTH="Those in either direction.",
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
    """What hangs relationships on a configuration item."""

    neighbours: NeighbourConnection | None = field(
        _neighbours,
        "Its relationships, one hop, as declared. One traversal for any number of items asked at once.",
        needs=READ_PERMISSION,
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
        "What it depends on, directly or through others. One traversal for any number of items asked at once.",
        needs=READ_PERMISSION,
        arguments=(depth_argument(1), FIRST_ARGUMENT, AFTER_ARGUMENT, TYPES_ARGUMENT, FAN_OUT_ARGUMENT, AS_OF_ARGUMENT),
    )
    dependents: ReachConnection | None = field(
        _reach_resolver(WalkDirection.DEPENDENTS),
        "What depends on it, directly or through others. One traversal for any number of items asked at once.",
        needs=READ_PERMISSION,
        arguments=(depth_argument(1), FIRST_ARGUMENT, AFTER_ARGUMENT, TYPES_ARGUMENT, FAN_OUT_ARGUMENT, AS_OF_ARGUMENT),
    )
    degrees: list[Degree] | None = link(
        DegreesByConfigurationItem,
        "How many relationships of each type it has; exact.",
        key="id",
        needs=READ_PERMISSION,
        arguments=(AS_OF_ARGUMENT,),
        loader_arguments=lambda context, arguments: arguments.get("asOf"),
        size=10,
    )


def _step_position(step: Step) -> StepPosition:
    return StepPosition(step.neighbour_id, step.edge.id, step.outgoing)


def _neighbour_page_info(found: NeighboursFact) -> PageInfoValue:
    return to_page_info(
        [encode_step_position(_step_position(step)) for step in first_and_last(found.steps)],
        has_more=found.truncated,
        has_previous=False,
    )


def _reach_page_info(found: ReachValue) -> PageInfoValue:
    cursors = [encode_position(Position(node.depth, node.id)) for node in first_and_last(found.nodes)]
    return to_page_info(cursors, has_more=found.reach.cursor is not None, has_previous=found.resumed)
