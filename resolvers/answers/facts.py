"""Facts about configuration items as sentences: class, owner, dependents, dependencies and open incidents."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from datasources.graph.port import Direction, Reach, Walk
from datasources.records.configuration_items import ConfigurationItemRecord
from datasources.records.incidents import IncidentRecord, IncidentState
from datasources.records.queries import FieldComparison, Operator, Order, PageRequest, RowPage
from resolvers.configuration_items.loaders import ConfigurationItemById, ConfigurationItemClassByKey
from resolvers.context import Context
from resolvers.errors import SourceLost
from resolvers.incidents.loaders import IncidentsByConfigurationItem
from resolvers.loading.tables import RowsArguments, Selection
from resolvers.relationships.loaders import ReachArguments, ReachByStarts
from resolvers.teams.loaders import TeamById

# Names of dependents, dependencies and incidents in one sentence; the others are counted.
MAX_NAMES = 3
# Dependents and dependencies are counted up to here.
MAX_COUNT = 1_000
OPEN_STATES = (IncidentState.NEW, IncidentState.IN_PROGRESS, IncidentState.ON_HOLD)
OPEN_INCIDENTS = Selection(FieldComparison("state", Operator.IN, OPEN_STATES), (("role", None),))


class FactKind(StrEnum):
    """What a fact is about; an item has at most one of each kind."""

    CLASS = "CLASS"
    DEPENDENTS = "DEPENDENTS"
    DEPENDENCIES = "DEPENDENCIES"
    INCIDENTS = "INCIDENTS"


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence about an item, true for this version of it.

    `impacts` are the pairs of items that it names as a dependent of another: an impact on the first reaches the second.
    """

    item: ConfigurationItemRecord
    kind: FactKind
    text: str
    impacts: tuple[tuple[str, str], ...] = ()


async def state_facts(context: Context, items: Sequence[ConfigurationItemRecord]) -> list[Fact]:
    """Return what the caller may read about each item, in the order of the items.

    Without the graph, which the request then reports as degraded, dependents and dependencies are left out. All items
    share their statements and walks.
    """
    facts = await asyncio.gather(*(_state_facts(context, item) for item in items))
    return [fact for each in facts for fact in each]


async def _state_facts(context: Context, item: ConfigurationItemRecord) -> list[Fact]:
    facts = await asyncio.gather(
        state_class(context, item),
        state_neighbours(context, item, Direction.DEPENDENTS),
        state_neighbours(context, item, Direction.DEPENDENCIES),
        _state_incidents(context, item),
    )
    return [fact for fact in facts if fact is not None]


async def state_class(context: Context, item: ConfigurationItemRecord) -> Fact:
    """Return the class and, if the caller may read teams, the owner of an item."""
    sees_teams = context.principal.allows("teams:read")
    classes = context.loader(ConfigurationItemClassByKey).load(item.class_key)
    owner = await context.loader(TeamById).load(item.owner_team_id) if sees_teams and item.owner_team_id else None
    class_ = await classes
    text = f"{item.name} is of the class {class_.name if class_ else item.class_key}"
    if owner is not None:
        return Fact(item, FactKind.CLASS, f"{text} and owned by the team {owner.name}.")
    return Fact(item, FactKind.CLASS, f"{text}; no team owns it." if sees_teams else f"{text}.")


async def state_neighbours(context: Context, item: ConfigurationItemRecord, direction: Direction) -> Fact | None:
    """Return the number and names of dependents or dependencies; None without permission or graph."""
    if not context.principal.allows("relationships:read"):
        return None
    walk = Walk(direction, max_depth=1, fan_out=MAX_COUNT, max_nodes=MAX_COUNT)
    try:
        reach: Reach = await context.loader(ReachByStarts, ReachArguments(walk)).load((item.id,))
    except SourceLost as lost:
        context.request.degraded.add(str(lost.extensions["store"]))
        return None
    loaded = await context.loader(ConfigurationItemById).load_many([node.id for node in reach.nodes[:MAX_NAMES]])
    nodes = [node for node in loaded if node is not None]
    text = _describe_neighbours(item, direction, [node.name for node in nodes], reach)
    impacts = ((item.id, node.id) if direction is Direction.DEPENDENTS else (node.id, item.id) for node in nodes)
    return Fact(item, FactKind(direction.name), text, tuple(impacts))


def _describe_neighbours(
    item: ConfigurationItemRecord, direction: Direction, names: Sequence[str], reach: Reach
) -> str:
    count = len(reach.nodes)
    if not count:
        return (
            f"Nothing depends on {item.name}."
            if direction is Direction.DEPENDENTS
            else f"{item.name} depends on nothing."
        )
    number = f"at least {count:,}" if reach.truncated else f"{count:,}"
    items = "item" if count == 1 else "items"
    if direction is Direction.DEPENDENTS:
        verb = "depends" if count == 1 else "depend"
        return f"{number.capitalize()} {items} {verb} directly on {item.name}: {_join(names, count)}."
    return f"{item.name} depends directly on {number} {items}: {_join(names, count)}."


async def _state_incidents(context: Context, item: ConfigurationItemRecord) -> Fact | None:
    if not context.principal.allows("incidents:read"):
        return None
    page = PageRequest(MAX_NAMES, Order("priority"))
    counting = context.loader(IncidentsByConfigurationItem.counts, RowsArguments(OPEN_INCIDENTS)).load(item.id)
    found: RowPage[IncidentRecord] = await context.loader(
        IncidentsByConfigurationItem, RowsArguments(OPEN_INCIDENTS, page)
    ).load(item.id)
    count = await counting
    if not count:
        return Fact(item, FactKind.INCIDENTS, f"{item.name} has no open incident.")
    names = [f"{row.record.number} (priority {row.record.priority}) {row.record.title}" for row in found.rows]
    text = f"{item.name} has {count:,} open incident{'' if count == 1 else 's'}: {_join(names, count, '; ')}."
    return Fact(item, FactKind.INCIDENTS, text)


def _join(names: Sequence[str], count: int, separator: str = ", ") -> str:
    more = count - len(names)
    return separator.join(names) + (f" and {more:,} more" if more else "")
