"""Impact: the effect of the failure of configuration items on other items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import strawberry

from datasources.graph.port import Direction, Position
from resolvers.configuration_items.loaders import ConfigurationItemById
from resolvers.context import Context
from resolvers.errors import BadUserInput
from resolvers.impact.use_cases import ImpactAnswer, ImpactLimit, Outcome, assess_impact
from schema.declarations.connections import PageInfo, PageInfoValue, first_and_last, to_page_info
from schema.declarations.enums import register_enum
from schema.declarations.fields import PAGE, Argument, attribute, field, link
from schema.declarations.ids import decode_id_as
from schema.declarations.paging import check_bounds
from schema.declarations.walk_arguments import (
    AFTER_ARGUMENT,
    AS_OF_ARGUMENT,
    FAN_OUT_ARGUMENT,
    FIRST_ARGUMENT,
    TYPES_ARGUMENT,
    decode_position,
    depth_argument,
    encode_position,
    to_walk,
)
from schema.lazy_types import LazyConfigurationItem
from schema.relationships.types import ITEMS_READ_PERMISSION, READ_PERMISSION, CappedItem

DEFAULT_DEPTH = 10
MAX_FAILED_ITEMS = 100

register_enum(
    Outcome,
    "The effect of a failure on an item that it reaches: the item FAILS, is AT_RISK because redundancy keeps it up, or "
    "is UNKNOWN because the whole impact could not be computed; `limit` of the impact says why.",
    FAILS="It fails too: a dependency outside any redundancy group fails, or a redundancy group has fewer healthy "
    "members than needed. Only ACTIVE members that do not fail are healthy; PLANNED, MAINTENANCE and RETIRED members "
    "do not count.",
    AT_RISK="A failure reaches it; redundancy keeps it up.",
    UNKNOWN="A failure reaches it; whether redundancy keeps it up could not be computed.",
)
register_enum(
    ImpactLimit,
    "Why the whole impact could not be computed.",
    SIZE="It has more than 200,000 items or 2,000,000 relationships.",
    TIME="The request had too little time.",
)


@dataclass(frozen=True, slots=True)
class ImpactValue:
    """An impact, and whether it continues from a cursor."""

    answer: ImpactAnswer
    resumed: bool


@strawberry.type(description="An item that a failure reaches.")
class ImpactedItem:
    node: LazyConfigurationItem | None = link(ConfigurationItemById, "The item.", key="id", needs=ITEMS_READ_PERMISSION)
    depth: int = attribute("The smallest number of hops from a failed item.")
    outcome: Outcome = attribute("The effect on it, including redundancy.")
    cursor: str = attribute("Pass it as `after`.", of=lambda item: encode_position(Position(item.depth, item.id)))


@strawberry.type(description="The number of items at one depth.")
class DepthCount:
    depth: int = attribute("The number of hops.", of=lambda pair: pair[0])
    count: int = attribute("The number of items.", of=lambda pair: pair[1])


@strawberry.type(description="The totals of a whole impact.")
class ImpactTotals:
    failing: int = attribute("The number of items that fail.")
    at_risk: int = attribute("The number of items that redundancy keeps up.")
    by_depth: list[DepthCount] = attribute("The number of items at each depth.", size=10)


@strawberry.type(
    description="What failures reach, nearest first; everything that is left out is reported. Failures do not reach or "
    "pass through PLANNED or RETIRED items; they do reach items in MAINTENANCE. The items that fail first count as "
    "failed whatever their status. With `asOf`, relationships, members and statuses are those of that time."
)
class Impact:
    edges: list[ImpactedItem] = attribute("The items of the page.", of="answer.items", size=PAGE)
    nodes: list[LazyConfigurationItem | None] | None = field(
        lambda context, impact, _: context.loader(ConfigurationItemById).load_many([i.id for i in impact.answer.items]),
        "The items of the page.",
        needs=ITEMS_READ_PERMISSION,
        size=PAGE,
    )
    totals: ImpactTotals | None = attribute(
        "The totals of the whole impact, over all pages, within `depth` hops; null if it could not be computed: see "
        "`limit`.",
        of="answer.totals",
    )
    limit: ImpactLimit | None = attribute(
        "Why the whole impact could not be computed; then outcomes are UNKNOWN and relationships can be capped. Null "
        "if "
        "totals and outcomes are exact.",
        of="answer.limit",
    )
    truncated: bool = attribute(
        "Whether more items follow, or relationships were capped.",
        of=lambda impact: impact.answer.cursor is not None or bool(impact.answer.capped),
    )
    capped: list[CappedItem] = attribute(
        "The items of which not all relationships were followed; empty if there are totals, whatever `fanOut` is.",
        of="answer.capped",
        size=10,
    )
    page_info: PageInfo = attribute("The position of the page.", of=lambda impact: _impact_page_info(impact))


# An impact reads up to 10,000 items and 50,000 relationships, whatever the page size: 100 ms, by bench.dearest.
IMPACT_COST = 20_000

IMPACT_ARGUMENTS = (
    depth_argument(DEFAULT_DEPTH),
    FIRST_ARGUMENT,
    AFTER_ARGUMENT,
    TYPES_ARGUMENT,
    FAN_OUT_ARGUMENT,
    AS_OF_ARGUMENT,
)


async def resolve_impact(context: Context, failed: frozenset[str], arguments: Mapping[str, Any]) -> ImpactValue:
    """Compute the impact of the failure of all these items, with the arguments of a field."""
    walk = to_walk(context, Direction.DEPENDENTS, arguments, DEFAULT_DEPTH)
    after = decode_position(arguments.get("after"))
    return ImpactValue(await assess_impact(context, failed, walk, after), resumed=after is not None)


async def _resolve_impact_of_many(context: Context, _: Any, arguments: Mapping[str, Any]) -> ImpactValue:
    ids = arguments["of"]
    if not ids:
        raise BadUserInput("of is empty; name at least one configuration item", argument="of")
    check_bounds(len(ids), "of", MAX_FAILED_ITEMS)
    uuids = [decode_id_as("ci", each, "of") for each in ids]
    return await resolve_impact(context, frozenset(each for each in uuids if each is not None), arguments)


@strawberry.type
class HasImpact:
    """Adds the field `impact` to a type."""

    impact: Impact | None = field(
        lambda context, item, arguments: resolve_impact(context, frozenset({item.id}), arguments),
        "The effect of its failure on other items. Two traversals and one statement, and one more statement with "
        "redundancy; beyond 10,000 items or `fanOut` relationships of one, up to three more for each 10,000 items.",
        needs=READ_PERMISSION,
        arguments=IMPACT_ARGUMENTS,
        cost=IMPACT_COST,
    )


@strawberry.type
class ImpactQueries:
    impact: Impact | None = field(
        _resolve_impact_of_many,
        "The effect of the simultaneous failure of these items on other items. Ids without an item are ignored.",
        needs=READ_PERMISSION,
        arguments=(
            Argument("of", list[strawberry.ID], f"Global ids of failed items, at most {MAX_FAILED_ITEMS}."),
            *IMPACT_ARGUMENTS,
        ),
        cost=IMPACT_COST,
    )


def _impact_page_info(impact: ImpactValue) -> PageInfoValue:
    cursors = [encode_position(Position(item.depth, item.id)) for item in first_and_last(impact.answer.items)]
    return to_page_info(cursors, has_more=impact.answer.cursor is not None, has_previous=impact.resumed)
