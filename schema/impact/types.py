"""Impact: what the failure of configuration items does to others."""

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
    "What becomes of an item that a failure reaches: it FAILS, redundancy keeps it up but AT_RISK, or UNKNOWN where "
    "the whole impact could not be computed; then `limit` of the impact says why.",
    FAILS="It fails too: by something it depends on outside any redundancy group, or as fewer members of one of its "
    "groups than it needs are left. Only ACTIVE members that do not fail are left; what is PLANNED, in MAINTENANCE or "
    "RETIRED keeps nothing up.",
    AT_RISK="A failure reaches it, and redundancy keeps it up.",
    UNKNOWN="A failure reaches it; whether redundancy keeps it up could not be computed.",
)
register_enum(
    ImpactLimit,
    "Why a whole impact could not be computed.",
    SIZE="It has more than 200,000 items or 2,000,000 relationships.",
    TIME="The time of the request did not suffice.",
)


@dataclass(frozen=True, slots=True)
class ImpactValue:
    """An impact and whether it went on from a cursor."""

    answer: ImpactAnswer
    resumed: bool


@strawberry.type(description="An item that a failure reaches.")
class ImpactedItem:
    node: LazyConfigurationItem | None = link(ConfigurationItemById, "The item.", key="id", needs=ITEMS_READ_PERMISSION)
    depth: int = attribute("The least number of hops from a failed item.")
    outcome: Outcome = attribute("What becomes of it, redundancy considered.")
    cursor: str = attribute("Pass it as `after`.", of=lambda item: encode_position(Position(item.depth, item.id)))


@strawberry.type(description="How many items are so many hops away.")
class DepthCount:
    depth: int = attribute("How many hops.", of=lambda pair: pair[0])
    count: int = attribute("How many items.", of=lambda pair: pair[1])


@strawberry.type(description="A whole impact in numbers.")
class ImpactTotals:
    failing: int = attribute("How many items fail.")
    at_risk: int = attribute("How many items redundancy keeps up.")
    by_depth: list[DepthCount] = attribute("The items counted by hops.", size=10)


@strawberry.type(
    description="What failures reach, nearest first; nothing is left out silently. Items that are PLANNED or RETIRED "
    "are not reached, and no failure flows through them; items in MAINTENANCE are. The items that fail first are taken "
    "as failed whatever their status. With `asOf`, relationships, members and statuses are those of that moment."
)
class Impact:
    edges: list[ImpactedItem] = attribute("The items of the page.", of="answer.items", size=PAGE)
    nodes: list[LazyConfigurationItem | None] | None = field(
        lambda context, found, _: context.loader(ConfigurationItemById).load_many([i.id for i in found.answer.items]),
        "The items of the page.",
        needs=ITEMS_READ_PERMISSION,
        size=PAGE,
    )
    totals: ImpactTotals | None = attribute(
        "The whole impact in numbers, over all pages, within `depth` hops; null when it could not be computed, and "
        "then `limit` says why.",
        of="answer.totals",
    )
    limit: ImpactLimit | None = attribute(
        "Why the whole impact could not be computed, outcomes are UNKNOWN and relationships may be capped; null when "
        "totals and outcomes are exact.",
        of="answer.limit",
    )
    truncated: bool = attribute(
        "Whether more items follow, or relationships were capped.",
        of=lambda found: found.answer.cursor is not None or bool(found.answer.capped),
    )
    capped: list[CappedItem] = attribute(
        "The items of which not all relationships were followed; none when totals are given, whatever `fanOut`.",
        of="answer.capped",
        size=10,
    )
    page_info: PageInfo = attribute("Where the page lies.", of=lambda found: _impact_page_info(found))


# An impact looks at up to 10,000 items and 50,000 relationships, whatever the page: 100 ms, by bench.dearest.
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
    """What the failure of all these items does, by the arguments of a field."""
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
    """What hangs its impact on a configuration item."""

    impact: Impact | None = field(
        lambda context, item, arguments: resolve_impact(context, frozenset({item.id}), arguments),
        "What its failure does to others. Two traversals, one statement, and one more where redundancy plays a part; "
        "beyond 10,000 items or `fanOut` relationships of one, up to three more for each 10,000 items.",
        needs=READ_PERMISSION,
        arguments=IMPACT_ARGUMENTS,
        cost=IMPACT_COST,
    )


@strawberry.type
class ImpactQueries:
    impact: Impact | None = field(
        _resolve_impact_of_many,
        "What the failure of all these items at once does to others. Ids that nothing has are ignored.",
        needs=READ_PERMISSION,
        arguments=(
            Argument("of", list[strawberry.ID], f"Global ids of failed items, at most {MAX_FAILED_ITEMS}."),
            *IMPACT_ARGUMENTS,
        ),
        cost=IMPACT_COST,
    )


def _impact_page_info(found: ImpactValue) -> PageInfoValue:
    cursors = [encode_position(Position(item.depth, item.id)) for item in first_and_last(found.answer.items)]
    return to_page_info(cursors, has_more=found.answer.cursor is not None, has_previous=found.resumed)
