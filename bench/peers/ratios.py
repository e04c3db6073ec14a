"""Ratios of StackFlow to each peer, paired by round; above 1, StackFlow is better."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from bench.peers.measurement import Measurement

BASE = "stackflow"
# The higher the better for each: a request's cost counts as its inverse.
METRICS: Mapping[str, Callable[[Measurement], float]] = {
    "throughput": lambda each: each.requests_per_second,
    "server CPU": lambda each: 1 / each.server_cpu_ms,
    "server and PostgreSQL CPU": lambda each: 1 / (each.server_cpu_ms + each.postgres_cpu_ms),
}


@dataclass(frozen=True, slots=True)
class Ratio:
    """StackFlow's figure divided by a peer's: the median of the rounds, the least and the greatest."""

    metric: str
    query: str
    peer: str
    median: float
    least: float
    greatest: float


def ratios(measurements: list[Measurement]) -> list[Ratio]:
    """Return the ratios of every metric, query and peer that were measured together with StackFlow."""
    found = []
    for metric, figure in METRICS.items():
        by_round = {(each.query, each.contender, each.round): figure(each) for each in measurements}
        pairs: dict[tuple[str, str], list[float]] = {}
        for (query, contender, round_), value in by_round.items():
            base = by_round.get((query, BASE, round_))
            if contender != BASE and base is not None:
                pairs.setdefault((query, contender), []).append(base / value)
        found += [
            Ratio(metric, query, peer, median(each), min(each), max(each)) for (query, peer), each in pairs.items()
        ]
    return found
