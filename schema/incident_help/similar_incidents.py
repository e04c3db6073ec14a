"""Similar incidents: past ones, how they were resolved, and the reasons of their rank."""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

import strawberry

from resolvers.configuration_items.loaders import ConfigurationItemById
from resolvers.context import Context
from resolvers.incident_help.similar_incidents import SimilarIncident as RankedIncident
from resolvers.incident_help.similar_incidents import find_similar_incidents
from schema.declarations.fields import PAGE, Argument, attribute, field
from schema.declarations.paging import check_bounds
from schema.lazy_types import LazyConfigurationItem, LazyIncident

READ_PERMISSION = "incidents:read"
ITEMS_READ_PERMISSION = "configuration-items:read"
MAX_SIMILAR = 20
DEFAULT_SIMILAR = 5
# The database takes about 40 ms for the words of one incident among 200,000.
SIMILARITY_COST = 2_000


def _items(ids: str) -> Callable[[Context, Any, Mapping[str, Any]], Any]:
    get = attrgetter(ids)

    async def load(context: Context, similar: Any, _: Mapping[str, Any]) -> Any:
        items = await context.loader(ConfigurationItemById).load_many(get(similar))
        return [item for item in items if item is not None]

    return load


@strawberry.type(
    description="A past incident, resolved or closed, that resembles another one, and the reasons of its rank."
)
class SimilarIncident:
    record = RankedIncident

    rank: int = attribute("Its rank, from 1.")
    incident: LazyIncident = attribute("The past incident.")
    text_rank: int | None = attribute(
        "Its rank by words alone, from 1 to 50; null if it was found by configuration items only."
    )
    shared_items: list[LazyConfigurationItem] | None = field(
        _items("shared_item_ids"),
        "The configuration items that both incidents have, by name. One statement for all similar incidents.",
        needs=ITEMS_READ_PERMISSION,
        size=1,
    )
    neighbours: list[LazyConfigurationItem] | None = field(
        _items("neighbour_ids"),
        "Other configuration items of the past incident that are one hop away from an item of the incident, by name. "
        "One statement for all similar incidents.",
        needs=ITEMS_READ_PERMISSION,
        size=1,
    )
    same_class: bool = attribute("Whether configuration items of both incidents are of the same class.")
    resolution: str = attribute("How it was solved; can be empty.", of="incident.resolution")
    resolution_code: str = attribute("How it was solved, as a code; can be empty.", of="incident.resolution_code")
    resolved_at: datetime | None = attribute(
        "When it was resolved; null if its source does not say.", of="incident.resolved_at"
    )
    seconds_to_resolve: int | None = attribute(
        "The seconds from its opening, or its last reopening, to its resolution; null without `resolvedAt`."
    )


def _similar_incidents(context: Context, incident: Any, arguments: Mapping[str, Any]) -> Any:
    first = check_bounds(arguments["first"], "first", MAX_SIMILAR, minimum=1)
    return find_similar_incidents(context, incident, first)


@strawberry.type
class HasSimilarIncidents:
    """Adds the field `similarIncidents` to a type."""

    similar_incidents: list[SimilarIncident] | None = field(
        _similar_incidents,
        "The past incidents that are most similar by their title and description, their configuration items and what "
        "is one hop from these, best first, with how they were resolved. Hidden incidents change nothing. "
        "Two statements, and with configuration items three more and a walk, for all incidents of one level.",
        needs=READ_PERMISSION,
        arguments=(Argument("first", int, f"The maximum number of incidents, 1 to {MAX_SIMILAR}.", DEFAULT_SIMILAR),),
        size=PAGE,
        cost=SIMILARITY_COST,
    )
