"""Blast radii: stored when a workflow run begins, and computed on request for an incident."""

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
# All items count as failed: the blast radius of a part would be smaller than that of the incident.
MAX_INCIDENT_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class BlastRadiusItemValue:
    """An item that a failure reaches, and the number of hops from the nearest failed item."""

    id: str
    depth: int


@strawberry.type(description="An item in the blast radius of a run.")
class BlastRadiusItem:
    record = BlastRadiusItemValue

    node: LazyConfigurationItem | None = link(ConfigurationItemById, "The item.", key="id", needs=ITEMS_READ_PERMISSION)
    depth: int = attribute("The smallest number of hops from a failed item.")


def _items(radius: BlastRadiusRecord) -> list[BlastRadiusItemValue]:
    return [BlastRadiusItemValue(id, depth) for id, depth in zip(radius.item_ids, radius.depths, strict=True)]


@strawberry.type(description="What the failure that caused a run reaches, as of the start of the run.")
class BlastRadius:
    record = BlastRadiusRecord

    walked_at: datetime = attribute("When it was computed.")
    total: int = attribute("The number of items within 10 hops, ignoring redundancy; a lower bound if `truncated`.")
    truncated: bool = attribute(
        "Whether there can be more items: over 200,000 items or 2,000,000 relationships, or the walk took too long."
    )
    items: list[BlastRadiusItem] = attribute("The nearest items, at most 100.", of=_items, size=100)
    critical: list[str] = attribute("The names of reached items that are CRITICAL, at most 100, by name.", size=20)


async def _resolve_blast_radius(
    context: Context, incident: IncidentRecord, arguments: Mapping[str, Any]
) -> ImpactValue | None:
    page = PageRequest(MAX_INCIDENT_ITEMS, Order("name"))
    rows_arguments = RowsArguments(Selection(extra=(("role", None),)), page=page)
    items = await context.loader(ConfigurationItemsByIncident, rows_arguments).load(incident.id)
    if items.more:
        raise LimitExceeded(
            f"the incident has more than {MAX_INCIDENT_ITEMS} items; ask `impact` for some of them",
            limit="items",
            allowed=MAX_INCIDENT_ITEMS,
        )
    failed = frozenset(row.record.id for row in items.rows)
    return await resolve_impact(context, failed, arguments) if failed else None


@strawberry.type
class HasBlastRadius:
    """Adds the field `blastRadius` to a type."""

    blast_radius: Impact | None = field(
        _resolve_blast_radius,
        "The effect of the failure of all its items, at most 10,000, on other items; null if it has no items. Costs "
        "one "
        "statement more than `impact`.",
        needs=WALK_PERMISSION,
        arguments=IMPACT_ARGUMENTS,
        cost=IMPACT_COST,
    )
