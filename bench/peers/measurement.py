"""One measurement: fixed work on one contender, with the CPU time of the server and of PostgreSQL."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from bench.peers.client import send_requests
from bench.peers.processes import Server, cpu_nanoseconds, difference_ms
from bench.peers.queries import Query


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figures of one contender, query and round. CPU times are milliseconds per request."""

    contender: str
    query: str
    round: int
    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float
    postgres_cpu_ms: float
    load_average: float


def measure(server: Server, query: Query, postgres: int, connections: int, round_: int) -> Measurement:
    """Send the requests of a query and return the figures. AnswerFailed if an answer has errors."""
    before = cpu_nanoseconds(server.pid), cpu_nanoseconds(postgres)
    load = asyncio.run(send_requests(server.port, server.contender.body(query), query.requests, connections))
    after = cpu_nanoseconds(server.pid), cpu_nanoseconds(postgres)
    ordered = sorted(load.latencies_ms)
    return Measurement(
        server.contender.key,
        query.key,
        round_,
        query.requests,
        query.requests / load.seconds,
        median(ordered),
        ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        difference_ms(before[0], after[0]) / query.requests,
        difference_ms(before[1], after[1]) / query.requests,
        os.getloadavg()[0],
    )


def measure_all(
    servers: list[Server],
    queries: list[Query],
    postgres: int,
    connections: int,
    rounds: int,
    each: Callable[[], None] = lambda: None,
) -> list[Measurement]:
    """Return the measurements of all rounds, after a shorter one that is not counted, for the compilers of servers.

    In a round, contenders follow each other for each query, and every other round has them in reverse: a busy moment
    of the machine falls on neighbours, whose figures are then compared.
    """
    found = []
    for round_ in range(-1, rounds):
        for query in queries:
            for server in servers if round_ % 2 == 0 else servers[::-1]:
                if query.key in server.contender.queries:
                    if round_ < 0:
                        fewer = replace(query, requests=max(connections, query.requests // 4))
                        measure(server, fewer, postgres, connections, round_)
                    else:
                        found.append(measure(server, query, postgres, connections, round_))
                    each()
    return found
