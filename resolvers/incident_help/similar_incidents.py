"""Similar incidents: past ones that resemble an incident by their words and their configuration items."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from datasources.graph.port import Direction, Walk
from datasources.records.incidents import IncidentItem, IncidentRecord
from resolvers.answers.fusion import fuse_ranks
from resolvers.context import Context
from resolvers.errors import SourceLost
from resolvers.incidents.loaders import (
    IncidentById,
    ItemsByIncident,
    PastIncidentIdsByConfigurationItem,
    PastIncidentMatchesByIncident,
)
from resolvers.relationships.loaders import ReachArguments, ReachByStarts

# Incidents that words find and that items find; the others are not ranked.
MAX_MATCHES = 50
# Items of an incident, their neighbours, and past incidents of each that are read.
MAX_ITEMS, MAX_NEIGHBOURS, MAX_INCIDENTS_OF_ITEM = 20, 50, 50
# The share of the weight of its words that another incident must have to be found by words: below, the best one of
# docs/answers.md is the right one in 11% of cases, above in 53%.
MIN_SHARE = 0.15
TEXT_WEIGHT = 1.0
ITEM_WEIGHT = 0.5
# The factor of the score of an incident with an item of the same class.
CLASS_FACTOR = 1.1
NEIGHBOURS = Walk(Direction.BOTH, max_depth=1, fan_out=MAX_NEIGHBOURS, max_nodes=MAX_NEIGHBOURS)
ITEMS_READ = "configuration-items:read"
RELATIONSHIPS_READ = "relationships:read"


@dataclass(frozen=True, slots=True)
class SimilarIncident:
    """A past incident and why it has its rank, from 1.

    `text_rank` is its rank by words alone, None if it was not found by them. `shared_item_ids` are the items that both
    incidents have, `neighbour_ids` other items of it that are one hop from an item of the incident. `same_class` is
    whether items of both are of one class.
    """

    incident: IncidentRecord
    rank: int
    text_rank: int | None
    shared_item_ids: tuple[str, ...]
    neighbour_ids: tuple[str, ...]
    same_class: bool

    @property
    def seconds_to_resolve(self) -> int | None:
        """The time from its opening, or its last reopening, to its resolution; None without a time of resolution."""
        incident = self.incident
        if incident.resolved_at is None:
            return None
        opened = max(filter(None, (incident.opened_at, incident.reopened_at)))
        return max(0, int((incident.resolved_at - opened).total_seconds()))


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """The items of an incident and their classes, and what is one hop from the items."""

    items: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    neighbours: frozenset[str] = frozenset()

    def shared(self, items: Iterable[IncidentItem]) -> tuple[str, ...]:
        return tuple(item.id for item in items if item.id in self.items)

    def near(self, items: Iterable[IncidentItem]) -> tuple[str, ...]:
        return tuple(item.id for item in items if item.id in self.neighbours)


async def find_similar_incidents(context: Context, incident: IncidentRecord, first: int) -> tuple[SimilarIncident, ...]:
    """Return the past incidents that are most similar to an incident, at most `first`, best first.

    They are resolved or closed, and the caller can see them; others change no rank. Ranks by words and by items are
    fused, and raised if items of both are of one class; ties are ordered by id, newest first. Without permission for
    items only words count, and without the graph, which the request then reports as degraded, no neighbours. All
    incidents of one level share their statements.
    """
    matches, surroundings = await asyncio.gather(
        context.loader(PastIncidentMatchesByIncident, MAX_MATCHES).load(incident.id),
        _load_surroundings(context, incident.id),
    )
    by_text = [match.incident_id for match in matches if match.share >= MIN_SHARE]
    candidates = list(dict.fromkeys([*by_text, *await _find_by_items(context, incident.id, surroundings)]))
    items = await _load_items(context, candidates) if surroundings.items else {id: [] for id in candidates}
    close = {id: (len(surroundings.shared(each)), len(surroundings.near(each))) for id, each in items.items()}
    by_items = sorted((id for id, counts in close.items() if any(counts)), key=lambda id: (close[id], id), reverse=True)
    alike = {id for id, each in items.items() if any(item.class_key in surroundings.classes for item in each)}
    scores = fuse_ranks([(TEXT_WEIGHT, by_text), (ITEM_WEIGHT, by_items)])
    scores = {id: score * (CLASS_FACTOR if id in alike else 1) for id, score in scores.items()}
    best = sorted(scores, key=lambda id: (scores[id], id), reverse=True)[:first]
    records = await context.loader(IncidentById).load_many(best)
    text_ranks = {id: rank for rank, id in enumerate(by_text, 1)}
    return tuple(
        SimilarIncident(
            incident=record,
            rank=rank,
            text_rank=text_ranks.get(record.id),
            shared_item_ids=surroundings.shared(items[record.id]),
            neighbour_ids=surroundings.near(items[record.id]),
            same_class=record.id in alike,
        )
        for rank, record in enumerate((record for record in records if record is not None), 1)
    )


async def _load_items(context: Context, incidents: list[str]) -> dict[str, list[IncidentItem]]:
    return dict(zip(incidents, await context.loader(ItemsByIncident).load_many(incidents), strict=True))


async def _load_surroundings(context: Context, incident: str) -> _Surroundings:
    if not context.principal.allows(ITEMS_READ):
        return _Surroundings()
    items = (await context.loader(ItemsByIncident).load(incident))[:MAX_ITEMS]
    ids = frozenset(item.id for item in items)
    neighbours = frozenset(await _reach_neighbours(context, tuple(sorted(ids)))) - ids
    return _Surroundings(ids, frozenset(item.class_key for item in items), neighbours)


async def _reach_neighbours(context: Context, items: tuple[str, ...]) -> list[str]:
    if not items or not context.principal.allows(RELATIONSHIPS_READ):
        return []
    try:
        reach = await context.loader(ReachByStarts, ReachArguments(NEIGHBOURS)).load(items)
    except SourceLost as lost:
        context.request.degraded.add(str(lost.extensions["store"]))
        return []
    return [node.id for node in reach.nodes]


async def _find_by_items(context: Context, incident: str, surroundings: _Surroundings) -> list[str]:
    """Return the past incidents with the most items in common, then the most neighbours, newest first."""
    items = sorted(surroundings.items | surroundings.neighbours)
    found = await context.loader(PastIncidentIdsByConfigurationItem, MAX_INCIDENTS_OF_ITEM).load_many(items)
    shared, near = Counter[str](), Counter[str]()
    for item, ids in zip(items, found, strict=True):
        (shared if item in surroundings.items else near).update(ids)
    others = (shared.keys() | near.keys()) - {incident}
    return sorted(others, key=lambda id: (shared[id], near[id], id), reverse=True)[:MAX_MATCHES]
