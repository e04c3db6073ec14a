"""Loaders for impact computation. Not cached: one result of 100,000 items would fill the cache."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from datasources.errors import SourceTimeout
from datasources.graph.port import Walk
from datasources.graph.recursive.impact import GroupState, ImpactTables
from datasources.request import current_request, use_request
from resolvers.impact.complete_impact import assess_complete_impact
from resolvers.impact.failures import Judgement
from resolvers.loading.loader import Loader

# The share of the remaining time for the complete impact; the rest is enough for one page without outcomes.
MAX_DEADLINE_FRACTION = 0.6


@dataclass(frozen=True, slots=True)
class CompleteImpact:
    """A judgement by 16-byte ids; None if the impact is too large, or if it took too long (`is_timed_out`)."""

    judgement: Judgement[bytes] | None = None
    is_timed_out: bool = False


class StatusesByNodes(Loader[tuple[str, ...], Mapping[str, str]]):
    """The statuses of the items in each set (sorted ids) that are not ACTIVE. `arguments` is the as-of time."""

    arguments: datetime | None

    async def fetch(self, keys: Sequence[tuple[str, ...]]) -> Mapping[tuple[str, ...], Mapping[str, str]]:
        tables = ImpactTables(self.context.sources.main)
        return {key: await tables.statuses(key, self.arguments) for key in keys}

    def absent(self, key: tuple[str, ...]) -> Mapping[str, str]:
        return {}


class GroupStateById(Loader[str, GroupState | None]):
    """The state of redundancy groups. `arguments` is the as-of time."""

    arguments: datetime | None

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, GroupState | None]:
        return dict(await ImpactTables(self.context.sources.main).groups(keys, self.arguments))

    def absent(self, key: str) -> GroupState | None:
        return None


class CompleteImpactByStarts(Loader[tuple[str, ...], CompleteImpact]):
    """The complete impact of each set of failed items (sorted ids), from the tables.

    Needs one statement for the reached items, and two for each 10,000 of them. `arguments` is the walk, of which
    depth, types and time are used.
    """

    arguments: Walk

    async def fetch(self, keys: Sequence[tuple[str, ...]]) -> Mapping[tuple[str, ...], CompleteImpact]:
        return {key: await self._fetch_one(key) for key in keys}

    def absent(self, key: tuple[str, ...]) -> CompleteImpact:
        return CompleteImpact()

    async def _fetch_one(self, failed: tuple[str, ...]) -> CompleteImpact:
        call = current_request()
        left = call.remaining()
        if left is not None and call.deadline is not None:
            call = replace(call, deadline=call.deadline - left * (1 - MAX_DEADLINE_FRACTION))
        try:
            with use_request(call):
                return CompleteImpact(
                    await assess_complete_impact(ImpactTables(self.context.sources.main), failed, self.arguments)
                )
        except SourceTimeout:
            return CompleteImpact(is_timed_out=True)
