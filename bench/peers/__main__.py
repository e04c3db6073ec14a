"""Compare StackFlow with other GraphQL servers: `python -m bench.peers --help`.

README.md says what is measured. Only the ratios of one run are comparable, never figures of different runs.
"""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.peers.answers import AnswersDiffer, require_equal
from bench.peers.client import AnswerFailed
from bench.peers.contenders import ROOT, Contender, PeersMissing, contenders, require_installed
from bench.peers.data import Size, running_stores
from bench.peers.measurement import Measurement, measure_all
from bench.peers.plot import to_svg
from bench.peers.processes import ContenderFailed, choose_cores, peak_memory_mib, pin, running_servers
from bench.peers.queries import QUERIES, Query
from bench.peers.ratios import ratios
from bench.peers.report import print_report, to_json
from datasources.embedded.process import EmbeddedError

CACHE = ROOT / ".cache" / "bench-peers"


def run(
    size: Size,
    chosen: list[Contender],
    queries: list[Query],
    clients: int,
    rounds: int,
    cache: Path,
    progress: Progress,
) -> tuple[list[Measurement], dict[str, float]]:
    """Return the measurements and the peak memory of each contender, in MiB, after all answers were found equal.

    AnswersDiffer, AnswerFailed, ContenderFailed or EmbeddedError if there is nothing to compare.
    """
    loading = progress.add_task("database", total=None)
    with running_stores(
        cache, size, lambda table, rows: progress.update(loading, completed=rows, description=f"loading {table}")
    ) as stores:
        cores = choose_cores()
        mine = os.sched_getaffinity(0)
        pin(stores.pid, cores.others)
        try:
            os.sched_setaffinity(0, cores.others)
            progress.update(loading, description="starting servers")
            with running_servers(chosen, stores, cache / "servers", cores.server) as servers:
                progress.update(loading, description="comparing answers")
                require_equal(servers, queries)
                progress.remove_task(loading)
                able = sum(query.key in each.queries for query in queries for each in chosen)
                task = progress.add_task("measuring", total=able * (rounds + 1))
                found = measure_all(servers, queries, stores.pid, clients, rounds, lambda: progress.advance(task))
                return found, {each.contender.key: peak_memory_mib(each.pid) for each in servers}
        finally:
            os.sched_setaffinity(0, mine)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options; exits with a message if they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__.partition("\n")[0])
    default = Size()
    parser.add_argument("--items", type=int, default=default.items, help="configuration items (%(default)s)")
    parser.add_argument("--relationships", type=int, default=default.relationships, help="(%(default)s)")
    parser.add_argument("--incidents", type=int, default=default.incidents, help="(%(default)s)")
    parser.add_argument("--clients", type=int, default=16, help="connections at once (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--only", default=",".join(QUERIES), help="queries (%(default)s)")
    parser.add_argument("--contenders", default=",".join(contenders()), help="(%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the CPU ratios as SVG")
    chosen = parser.parse_args(arguments)
    for option, known in (("only", QUERIES), ("contenders", contenders())):
        unknown = [each for each in getattr(chosen, option).split(",") if each not in known]
        if unknown:
            parser.error(f"--{option} has {unknown[0]!r}; known are {', '.join(known)}")
    if min(chosen.items, chosen.incidents, chosen.clients, chosen.rounds) < 1 or chosen.items < 200:
        parser.error("numbers are positive, and items at least 200")
    return chosen


def main(arguments: list[str]) -> None:
    """Compare and report; exits with a message if nothing can be compared."""
    options = parse(arguments)
    if not sys.platform.startswith("linux"):
        raise SystemExit("bench.peers reads the CPU time of processes from Linux's /proc")
    size = Size(options.items, options.relationships, options.incidents)
    chosen = [each for key, each in contenders().items() if key in options.contenders.split(",")]
    queries = [each for key, each in QUERIES.items() if key in options.only.split(",")]
    try:
        require_installed(chosen)
        with Progress(console=Console(stderr=True)) as progress:
            found, memory = run(size, chosen, queries, options.clients, options.rounds, CACHE, progress)
    except (AnswersDiffer, AnswerFailed, ContenderFailed, EmbeddedError, PeersMissing) as error:
        raise SystemExit(f"bench.peers: {error}") from error
    compared = ratios(found)
    print_report(Console(), chosen, queries, found, compared, memory)
    if options.json:
        options.json.write_text(to_json(size, options.clients, found, compared, memory))
    if options.plot:
        options.plot.write_text(to_svg(compared))


if __name__ == "__main__":
    main(sys.argv[1:])
