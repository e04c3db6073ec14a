"""Propagation of failures: reached items, and the least fixed point of failing ones by redundancy and status."""

from array import array
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from datasources.graph.recursive.impact import GroupState
from datasources.records.configuration_items import ConfigurationItemStatus as Status

K = TypeVar("K", bound=Hashable)

# Failures do not reach items that are not in service, and do not pass through them.
OUT_OF_SERVICE = frozenset({Status.PLANNED, Status.RETIRED})


@dataclass(slots=True)
class Flow(Generic[K]):
    """Edges along which failures propagate, each from a cause to an effect; 8 bytes for each edge plus its ids.

    `statuses` holds the items that are not ACTIVE, `groups` the redundancy groups with a known state: an edge of any
    other group counts as an edge outside any group.
    """

    ids: list[K] = field(default_factory=list)
    group_ids: list[K] = field(default_factory=list)
    statuses: Mapping[K, str] = field(default_factory=dict)
    groups: Mapping[K, GroupState] = field(default_factory=dict)
    # For each node, alternately the number of an effect and the code of an edge: -1 for an edge in no group, the number
    # of its group, or -2 minus that number if the edge is not walked.
    _effects: "list[array[int]]" = field(default_factory=list)
    _numbers: dict[K, int] = field(default_factory=dict)
    _group_numbers: dict[K, int] = field(default_factory=dict)

    def add(self, cause: K, effect: K, group: K | None, *, walked: bool = True) -> None:
        """Add an edge; parallel edges and self-loops change nothing.

        No failure passes along an edge that is not walked, but its cause is still a member of the group.
        """
        self.extend(cause, (effect,), (group,), walked=walked)

    def extend(self, cause: K, effects: Iterable[K], groups: Iterable[K | None], *, walked: bool = True) -> None:
        """Add many edges from one cause, with the group of each. Plain loops for speed: up to a million edges."""
        numbers, group_numbers = self._numbers, self._group_numbers
        codes = self._effects[self.number(cause)]
        for effect, group in zip(effects, groups, strict=False):
            number = numbers.get(effect)
            codes.append(self.number(effect) if number is None else number)
            if group is None:
                codes.append(-1)
                continue
            code = group_numbers.get(group)
            if code is None:
                code = group_numbers[group] = len(self.group_ids)
                self.group_ids.append(group)
            codes.append(code if walked else -2 - code)

    def number(self, id: K) -> int:
        """Return the number of a node; assign the next one to a new node."""
        number = self._numbers.setdefault(id, len(self.ids))
        if number == len(self.ids):
            self.ids.append(id)
            self._effects.append(array("i"))
        return number

    def judge(self, failed: Iterable[K], max_depth: int) -> "Judgement[K]":
        """Compute the effect if all these items fail, whatever their status. Each edge is visited twice."""
        starts = [self.number(id) for id in failed]
        numbers = self._numbers
        away = bytearray(len(self.ids))
        idle = bytearray(len(self.ids))
        for id, status in self.statuses.items():
            if id in numbers:
                idle[numbers[id]] = 1
                away[numbers[id]] = status in OUT_OF_SERVICE
        depths = self._depths(starts, away, max_depth)
        down = self._failing(starts, away, idle)
        ids = self.ids
        reached = sorted((depth, ids[number], number) for number, depth in depths.items() if depth > 0)
        return Judgement(
            [id for _, id, _ in reached],
            array("i", (depth for depth, _, _ in reached)),
            bytearray(down[number] for _, _, number in reached),
        )

    def _depths(self, starts: list[int], away: bytearray, max_depth: int) -> dict[int, int]:
        depths = dict.fromkeys(starts, 0)
        queue = deque(depths)
        while queue:
            cause = queue.popleft()
            depth = depths[cause] + 1
            if depth > max_depth:
                break
            edges = iter(self._effects[cause])
            for effect, code in zip(edges, edges, strict=True):
                if code > -2 and effect not in depths and not away[effect]:
                    depths[effect] = depth
                    queue.append(effect)
        return depths

    def _failing(self, starts: list[int], away: bytearray, idle: bytearray) -> bytearray:
        """Mark failing items at any depth: a cause beyond `max_depth` counts too."""
        states = [self.groups.get(id) for id in self.group_ids]
        # Failing members by group; a member that is not ACTIVE is not healthy even before it fails.
        lost: dict[int, set[int]] = {}
        # Groups that a failure reaches along a walked edge.
        entered: set[int] = set()
        down = bytearray(len(self.ids))
        queue = deque(starts)
        for start in starts:
            down[start] = 1
        while queue:
            cause = queue.popleft()
            edges = iter(self._effects[cause])
            for effect, code in zip(edges, edges, strict=True):
                if down[effect] or away[effect]:
                    continue
                group = code if code > -2 else -2 - code
                state = states[group] if group >= 0 else None
                if state is not None:
                    members = lost.setdefault(group, set())
                    if not idle[cause]:
                        members.add(cause)
                    if code == group:
                        entered.add(group)
                    if group not in entered or state.healthy - len(members) >= state.needed:
                        continue
                elif code < -1:
                    continue
                down[effect] = 1
                queue.append(effect)
        return down


@dataclass(frozen=True, slots=True)
class Judgement(Generic[K]):
    """All reached items in order of depth and id, their distances in hops, and whether each fails."""

    ids: list[K]
    depths: "array[int]"
    fails: bytearray

    def by_depth(self) -> tuple[tuple[int, int], ...]:
        """Return pairs of a number of hops and the number of items at that distance."""
        return tuple(sorted(Counter(self.depths).items()))
