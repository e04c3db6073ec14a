"""The API on AWS Lambda: one application an execution environment, made while the function starts."""

from functools import cache
from typing import Any

from mangum import Mangum

import app
from datasources.observability.logs import invoked
from schema.execution.execution import collect_rarely
from workers.lambda_runtime import begin, entered

# What goes through API Gateway as it is: Mangum takes every other type for bytes, and clients would get them in Base64.
TEXTS = ["text/", "application/json", "application/graphql-response+json", "application/javascript", "image/svg+xml"]


@cache
def _made() -> Mangum:
    # As a server does when it has started. `begin` does the rest.
    collect_rarely()
    # Its sources are opened by the first call that asks them: nothing is connected by now.
    return Mangum(app.create(entered(), streaming=False), lifespan="off", text_mime_types=TEXTS)


def handler(event: Any, context: Any) -> Any:
    """The AWS Lambda entry for events of API Gateway."""
    invoked(context)
    return _made()(event, context)


begin(__name__, _made)
