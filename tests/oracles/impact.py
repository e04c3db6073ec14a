"""Impact by its definition, repeated until nothing changes: slow and obvious."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import NamedTuple


class Link(NamedTuple):
    """A failure of the cause flows to the effect, through a redundancy group or directly."""

    cause: str
    effect: str
    group: str | None = None


def judge(
    links: Sequence[Link],
    needed: Mapping[str, int],
    statuses: Mapping[str, str],
    failed: Iterable[str],
    max_depth: int,
    spares: Iterable[Link] = (),
) -> list[tuple[int, str, bool]]:
    """Depth, id and whether it fails, of all that is reached. `spares` are members whose links the walk leaves out."""

    def status(id: str) -> str:
        return statuses.get(id, "ACTIVE")

    used = [link for link in links if status(link.effect) not in ("PLANNED", "RETIRED")]
    members = [*links, *spares]
    starts = frozenset(failed)
    depths = dict.fromkeys(starts, 0)
    for depth in range(1, max_depth + 1):
        for link in used:
            if depths.get(link.cause) == depth - 1:
                depths.setdefault(link.effect, depth)
    down = set(starts)
    while True:
        more = {link.effect for link in used if link.cause in down and _falls(link, members, needed, down, status)}
        if more <= down:
            return sorted((depth, id, id in down) for id, depth in depths.items() if depth > 0)
        down |= more


def _falls(
    link: Link,
    members: Sequence[Link],
    needed: Mapping[str, int],
    down: Set[str],
    status: Callable[[str], str],
) -> bool:
    if link.group is None or link.group not in needed:
        return True
    causes = {each.cause for each in members if each.group == link.group}
    left = [cause for cause in causes if status(cause) == "ACTIVE" and cause not in down]
    return len(left) < needed[link.group]
