"""Where this process' spans go, as the settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datasources.config import ObservabilitySettings, TraceExporter
from datasources.observability.logs import invocation_trace
from datasources.observability.spans import set_exporter
from datasources.observability.xray import XRayExporter


def configure_lambda_tracing(seen: ObservabilitySettings) -> None:
    """In a Lambda function: to X-Ray from now on, if it is on."""
    set_exporter(XRayExporter(seen.daemon, invocation_trace) if seen.traces is TraceExporter.XRAY else None)


@asynccontextmanager
async def export_traces(seen: ObservabilitySettings) -> AsyncIterator[None]:
    """In a server: to a collector during the body, if it is on."""
    if seen.traces is not TraceExporter.OTLP:
        yield
        return
    from datasources.observability.otlp import OtlpExporter

    async with OtlpExporter(seen.collector, seen.environment).run():
        yield
