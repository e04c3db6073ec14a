"""Lines that the service writes in a failure: made by its own code, with the settings of a template's function."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx

import settings
from app import create_app
from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.observability.exceptions import report
from datasources.observability.logs import JsonFormatter
from datasources.observability.metrics import emit_metrics
from datasources.queues.port import MessageFailure
from datasources.sources import Sources
from resolvers.projection.follow import ProjectionRound
from tests.cdk.resolving import VERSION
from tests.cdk.templates import Synth
from workers import events, projection

AWAY = "postgresql://nobody@127.0.0.1:1/none"
# The stores of a test in place of the template's.
HERE = {
    "DATABASE_URL": AWAY, "REQUIREMENTS_URL": AWAY, "REDIS_URL": "off", "REQUEST_TIMEOUT_SECONDS": "2",
    "DATABASE_POOL_TIMEOUT_SECONDS": "0.1",
}  # fmt: skip


def seen(synth: Synth, suffix: str = "", version: str = VERSION, given_too: tuple[str, ...] = ()) -> settings.Settings:
    """The settings of a function, as its template and Lambda give them, over stores that cannot be reached."""
    function = synth.function(suffix)
    given: Mapping[str, object] = function["Environment"]["Variables"]
    plain = {name: given[name] for name in ("STACKFLOW_METRICS", "STACKFLOW_ENVIRONMENT", *given_too)}
    published = {"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST" if suffix else version}
    name = {"AWS_LAMBDA_FUNCTION_NAME": str(function["FunctionName"])}
    return settings.load_settings({key: str(value) for key, value in (plain | published | name | HERE).items()})


@contextmanager
def written(whole: settings.Settings) -> Iterator[list[str]]:
    """What is logged meanwhile, line by line."""
    lines: list[str] = []
    handler = logging.Handler(logging.INFO)
    formatter = JsonFormatter(whole.seen)
    handler.emit = lambda record: lines.append(formatter.format(record))  # type: ignore[method-assign]
    log = logging.getLogger("stackflow")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


def answered(
    synth: Synth, *, documents: Sequence[str] = (), paths: Sequence[str] = (), version: str = VERSION
) -> list[str]:
    """Of the API, whose stores are away."""
    whole = seen(synth, version=version)

    async def ask() -> None:
        transport = httpx.ASGITransport(app=create_app(whole, on_loopback=True, serve_streams=False))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30) as client:
            for path in paths:
                assert (await client.get(path)).status_code == 503
            for document in documents:
                assert (await client.post("/graphql", json={"query": document})).status_code == 200

    with written(whole) as lines:
        asyncio.run(ask())
    return lines


class Letters:
    """Dead letters that are taken and forgotten."""

    async def add_dead_letters(self, failures: Sequence[MessageFailure]) -> None:
        """As tables do."""


def batch(synth: Synth, *bodies: str) -> list[str]:
    """Of the events worker, which gets these messages of one group."""
    records = [
        {"messageId": str(number), "body": body, "attributes": {"MessageGroupId": "a"}}
        for number, body in enumerate(bodies)
    ]

    async def work() -> None:
        away = Database("main", AWAY, pool_timeout=0.05)
        sources = Sources(away, away, RecursiveGraph(away), NoCache())
        await events.partial_response(sources, Letters(), records)
        await away.close()

    with written(seen(synth, "-events")) as lines:
        asyncio.run(work())
    return lines


def round_of_projector(synth: Synth, done: ProjectionRound) -> list[str]:
    """Of the projector, after a round that did this."""
    with written(seen(synth, "-projector")) as lines:
        projection._measure(done)
    return lines


def set_aside(synth: Synth) -> list[str]:
    """Of a worker that met what nobody foresaw."""
    with written(seen(synth, "-workflows")) as lines:
        report(logging.getLogger("stackflow.workers"), "a run raised", ValueError("x"), "workflows")
    return lines


def of_models(synth: Synth, values: Mapping[str, float]) -> list[str]:
    """Of the API, which measured these values of language models."""
    with written(seen(synth)) as lines:
        emit_metrics(**values)
    return lines
