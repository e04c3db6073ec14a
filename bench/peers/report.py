"""Tables of ratios and of medians, and the JSON of a run."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.peers.contenders import Contender
from bench.peers.data import Size
from bench.peers.measurement import Measurement
from bench.peers.queries import Query
from bench.peers.ratios import METRICS, Ratio

_COLUMNS = ("requests/s", "p50 ms", "p99 ms", "server CPU", "PostgreSQL CPU")


def print_report(
    console: Console,
    chosen: list[Contender],
    queries: list[Query],
    measurements: list[Measurement],
    found: list[Ratio],
    memory_mib: Mapping[str, float],
) -> None:
    """Print a table of ratios for each metric, one of medians, the memory, and the load average of the run."""
    for query in queries:
        console.print(f"{query.key}: {query.meaning}")
    peers = [each for each in chosen if any(ratio.peer == each.key for ratio in found)]
    if peers:
        console.print("Ratios above 1: StackFlow is better. Below each other: median of the rounds, least, greatest.")
    for metric in METRICS if peers else ():
        table = Table("", *(each.key for each in peers), title=f"{metric}: StackFlow / peer", show_lines=True)
        for query in queries:
            table.add_row(query.key, *(_ratio_cell(found, metric, query.key, each.key) for each in peers))
        console.print(table)
    table = Table("", "contender", *_COLUMNS, title="medians of the rounds; CPU in ms per request")
    for query in queries:
        for contender in chosen:
            rounds = [each for each in measurements if (each.query, each.contender) == (query.key, contender.key)]
            if rounds:
                table.add_row(query.key, contender.key, *_median_cells(rounds))
        table.add_section()
    console.print(table)
    memory = ", ".join(f"{each.key} {memory_mib[each.key]:.0f}" for each in chosen)
    console.print(f"peak resident memory, MiB: {memory}")
    loads = [each.load_average for each in measurements]
    console.print(f"load average {min(loads):.1f} to {max(loads):.1f}, median {median(loads):.1f}")


def to_json(
    size: Size, clients: int, measurements: list[Measurement], found: list[Ratio], memory_mib: Mapping[str, float]
) -> str:
    """Return the run as JSON: size, clients, every measurement, the ratios and the memory."""
    content = {
        "size": asdict(size),
        "clients": clients,
        "measurements": [asdict(each) for each in measurements],
        "ratios": [asdict(each) for each in found],
        "peak_memory_mib": dict(memory_mib),
    }
    return json.dumps(content, indent=1)


def _ratio_cell(found: list[Ratio], metric: str, query: str, peer: str) -> str:
    for each in found:
        if (each.metric, each.query, each.peer) == (metric, query, peer):
            return f"{each.median:.3g}\n{each.least:.3g}\n{each.greatest:.3g}"
    return "–"


def _median_cells(rounds: list[Measurement]) -> list[str]:
    figures = (
        [each.requests_per_second for each in rounds],
        [each.p50_ms for each in rounds],
        [each.p99_ms for each in rounds],
        [each.server_cpu_ms for each in rounds],
        [each.postgres_cpu_ms for each in rounds],
    )
    return [f"{median(each):.4g}" for each in figures]
