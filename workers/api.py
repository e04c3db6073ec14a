"""The API on AWS Lambda: one application an execution environment, made while the function starts."""

from functools import cache
from typing import Any

from mangum import Mangum

import app
from datasources.observability.logs import begin_invocation
from schema.execution.execution import raise_gc_thresholds
from workers.lambda_runtime import bootstrap, load_settings

# What goes through API Gateway as it is: Mangum takes every other type for bytes, and clients would get them in Base64.
TEXT_MIME_TYPES = [
    "text/",
    "application/json",
    "application/graphql-response+json",
    "application/javascript",
    "image/svg+xml",
]


@cache
def _application() -> Mangum:
    # As a server does when it has started. `begin` does the rest.
    raise_gc_thresholds()
    # Its sources are opened by the first call that asks them: nothing is connected by now.
    return Mangum(app.create_app(load_settings(), serve_streams=False), lifespan="off", text_mime_types=TEXT_MIME_TYPES)


def handler(event: Any, context: Any) -> Any:
    """The AWS Lambda entry for events of API Gateway."""
    begin_invocation(context)
    return _application()(event, context)


bootstrap(__name__, _application)
