"""The API on AWS Lambda: one application for each execution environment, created during the start."""

from functools import cache
from typing import Any

from mangum import Mangum

from app import create_app
from datasources.observability.logs import begin_invocation
from schema.execution.execution import raise_gc_thresholds
from workers.lambda_runtime import bootstrap, load_settings

# Types that API Gateway sends as text. Mangum treats other types as bytes, and clients would get them in Base64.
TEXT_MIME_TYPES = [
    "text/",
    "application/json",
    "application/graphql-response+json",
    "application/javascript",
    "image/svg+xml",
]


@cache
def _application() -> Mangum:
    # `bootstrap` does the rest of what a server does after its start.
    raise_gc_thresholds()
    # The first call opens the sources: nothing is connected yet.
    return Mangum(create_app(load_settings(), serve_streams=False), lifespan="off", text_mime_types=TEXT_MIME_TYPES)


def handler(event: Any, context: Any) -> Any:
    """Handle events of API Gateway on AWS Lambda."""
    begin_invocation(context)
    return _application()(event, context)


bootstrap(__name__, _application)
