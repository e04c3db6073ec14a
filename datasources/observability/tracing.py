"""Where this process' spans go, as the settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datasources.config import SeenSettings, Traces
from datasources.observability.logs import invocation_trace
from datasources.observability.spans import export_to
from datasources.observability.xray import XRay


def trace_function(seen: SeenSettings) -> None:
    """In a Lambda function: to X-Ray from now on, if it is on."""
    export_to(XRay(seen.daemon, invocation_trace) if seen.traces is Traces.XRAY else None)


@asynccontextmanager
async def traced(seen: SeenSettings) -> AsyncIterator[None]:
    """In a server: to a collector during the body, if it is on."""
    if seen.traces is not Traces.OTLP:
        yield
        return
    from datasources.observability.otlp import Otlp

    async with Otlp(seen.collector, seen.environment).running():
        yield
