"""How failures flow: who is reached, and the least fixed point of what fails, redundancy and status considered."""

from array import array
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from datasources.graph.recursive.impact import GroupState
from datasources.records.configuration_items import ConfigurationItemStatus as Status

K = TypeVar("K", bound=Hashable)

# What is not in service yet or any more: no failure reaches it, and none flows through it.
OUT_OF_SERVICE = frozenset({Status.PLANNED, Status.RETIRED})


@dataclass(slots=True)
class Flow(Generic[K]):
    """Edges along which failures flow, each from a cause to an effect; 8 bytes an edge beside its ids.

    `statuses` holds the items that are not ACTIVE, `groups` the groups whose state is known: an edge of another
    group counts as an edge outside any group.
    """

    ids: list[K] = field(default_factory=list)
    group_ids: list[K] = field(default_factory=list)
    statuses: Mapping[K, str] = field(default_factory=dict)
    groups: Mapping[K, GroupState] = field(default_factory=dict)
    # For each node the number of an effect and the code of an edge, by turns: -1 for an edge in no group, the number of
    # its group, or -2 less that number if the edge is not walked.
    _effects: "list[array[int]]" = field(default_factory=list)
    _numbers: dict[K, int] = field(default_factory=dict)
    _group_numbers: dict[K, int] = field(default_factory=dict)

    def add(self, cause: K, effect: K, group: K | None, *, walked: bool = True) -> None:
        """One edge; parallel ones and self-loops change nothing. No failure flows along one that is not walked, but
        its cause is a member of its group all the same."""
        self.extend(cause, (effect,), (group,), walked=walked)

    def extend(self, cause: K, effects: Iterable[K], groups: Iterable[K | None], *, walked: bool = True) -> None:
        """Many edges from one cause, with the group of each. Plain loops: a million edges pass through here."""
        numbers, group_numbers = self._numbers, self._group_numbers
        found = self._effects[self.number(cause)]
        for effect, group in zip(effects, groups, strict=False):
            number = numbers.get(effect)
            found.append(self.number(effect) if number is None else number)
            if group is None:
                found.append(-1)
                continue
            code = group_numbers.get(group)
            if code is None:
                code = group_numbers[group] = len(self.group_ids)
                self.group_ids.append(group)
            found.append(code if walked else -2 - code)

    def number(self, id: K) -> int:
        """The number of a node, a new one for a new node."""
        found = self._numbers.setdefault(id, len(self.ids))
        if found == len(self.ids):
            self.ids.append(id)
            self._effects.append(array("i"))
        return found

    def judge(self, failed: Iterable[K], max_depth: int) -> "Judgement[K]":
        """What the failure of all these items does, whatever their own status. Each edge is looked at twice."""
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
        """Whatever its depth: an item fails by what is further away as well."""
        states = [self.groups.get(id) for id in self.group_ids]
        # Members that fail, by group; what is not ACTIVE is no healthy member before it fails either.
        lost: dict[int, set[int]] = {}
        # Groups into which a failure flows along an edge that is walked.
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
    """All reached items in order of depth and id, the hops to each, and whether each fails."""

    ids: list[K]
    depths: "array[int]"
    fails: bytearray

    def by_depth(self) -> tuple[tuple[int, int], ...]:
        """How many items are so many hops away."""
        return tuple(sorted(Counter(self.depths).items()))
