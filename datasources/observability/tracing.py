"""Selects the exporter of spans from the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datasources.config import ObservabilitySettings, TraceExporter
from datasources.observability.logs import invocation_trace
from datasources.observability.spans import set_exporter
from datasources.observability.xray import XRayExporter


def configure_lambda_tracing(seen: ObservabilitySettings) -> None:
    """Export spans to X-Ray, if it is on. For Lambda functions."""
    set_exporter(XRayExporter(seen.daemon, invocation_trace) if seen.traces is TraceExporter.XRAY else None)


@asynccontextmanager
async def export_traces(seen: ObservabilitySettings) -> AsyncIterator[None]:
    """Export spans to a collector during the block, if it is on. For servers."""
    if seen.traces is not TraceExporter.OTLP:
        yield
        return
    from datasources.observability.otlp import OtlpExporter

    async with OtlpExporter(seen.collector, seen.environment).run():
        yield
