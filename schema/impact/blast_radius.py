"""Blast radii: what a failure reaches, kept with a run as it was, and walked anew for an incident."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import strawberry

from datasources.records.incidents import IncidentRecord
from datasources.records.queries import Order, PageRequest
from datasources.records.workflow_runs import BlastRadiusRecord
from resolvers.configuration_items.loaders import ConfigurationItemById, ConfigurationItemsByIncident
from resolvers.context import Context
from resolvers.errors import LimitExceeded
from resolvers.loading.tables import RowsArguments, Selection
from schema.declarations.fields import attribute, field, link
from schema.impact.types import IMPACT_ARGUMENTS, IMPACT_COST, Impact, ImpactValue, resolve_impact
from schema.lazy_types import LazyConfigurationItem
from schema.relationships.types import ITEMS_READ_PERMISSION, READ_PERMISSION

WALK_PERMISSION = READ_PERMISSION
# All of them are taken as failed: the blast radius of some would be less than the incident's.
MAX_INCIDENT_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class BlastRadiusItemValue:
    """An item that a failure reaches, and its hops from the nearest item that failed."""

    id: str
    depth: int


@strawberry.type(description="An item that the failure of a run reaches.")
class BlastRadiusItem:
    record = BlastRadiusItemValue

    node: LazyConfigurationItem | None = link(ConfigurationItemById, "The item.", key="id", needs=ITEMS_READ_PERMISSION)
    depth: int = attribute("The least number of hops from an item that failed.")


def _items(found: BlastRadiusRecord) -> list[BlastRadiusItemValue]:
    return [BlastRadiusItemValue(id, depth) for id, depth in zip(found.item_ids, found.depths, strict=True)]


@strawberry.type(description="What the failure that a run is for reaches, as it was when the run began.")
class BlastRadius:
    record = BlastRadiusRecord

    walked_at: datetime = attribute("When it was walked.")
    total: int = attribute(
        "How many items are reached within 10 hops, redundancy not considered; at least so many if `truncated`."
    )
    truncated: bool = attribute(
        "Whether more may be reached: there are over 200,000 items or 2,000,000 relationships, or it took too long."
    )
    items: list[BlastRadiusItem] = attribute("The nearest of them, at most 100.", of=_items, size=100)
    critical: list[str] = attribute("The names of reached items that are CRITICAL, at most 100, by name.", size=20)


async def _resolve_blast_radius(
    context: Context, incident: IncidentRecord, arguments: Mapping[str, Any]
) -> ImpactValue | None:
    page = PageRequest(MAX_INCIDENT_ITEMS, Order("name"))
    asked = RowsArguments(Selection(extra=(("role", None),)), page=page)
    found = await context.loader(ConfigurationItemsByIncident, asked).load(incident.id)
    if found.more:
        raise LimitExceeded(
            f"the incident has more than {MAX_INCIDENT_ITEMS} items; ask `impact` for some of them",
            limit="items",
            allowed=MAX_INCIDENT_ITEMS,
        )
    failed = frozenset(row.record.id for row in found.rows)
    return await resolve_impact(context, failed, arguments) if failed else None


@strawberry.type
class HasBlastRadius:
    """What hangs a blast radius on an incident."""

    blast_radius: Impact | None = field(
        _resolve_blast_radius,
        "What the failure of all its items does to others, at most 10,000 of them; null if it has none. One statement "
        "more than `impact` takes.",
        needs=WALK_PERMISSION,
        arguments=IMPACT_ARGUMENTS,
        cost=IMPACT_COST,
    )
