"""The API on AWS Lambda: one application an execution environment, made while the function starts."""

from functools import cache
from typing import Any

from mangum import Mangum

import app
import settings
from datasources.seen.logs import invoked
from schema.execution import prepare, settle
from schema.operations import trusted_documents
from workers.entrance import begin, entered

# What goes through API Gateway as it is: Mangum takes every other type for bytes, and clients would get them in Base64.
TEXTS = ["text/", "application/json", "application/graphql-response+json", "application/javascript", "image/svg+xml"]

# The least that Mangum takes for an event of the gateway.
ANY_CALL = {
    "resource": "/graphql", "path": "/graphql", "httpMethod": "POST", "isBase64Encoded": False,
    "headers": {"content-type": "application/json"}, "multiValueHeaders": {"content-type": ["application/json"]},
    "queryStringParameters": None, "multiValueQueryStringParameters": None,
    "requestContext": {"identity": {"sourceIp": "127.0.0.1"}},
}  # fmt: skip


@cache
def _made() -> Mangum:
    # Its sources are opened by the first call that asks them: nothing is connected by now.
    return Mangum(app.create(entered(), streaming=False), lifespan="off", text_mime_types=TEXTS)


def _rehearse() -> None:
    # Whoever shows no key is told so before any source is asked: by then routes, the loop and the answer were tried.
    _made()({**ANY_CALL, "body": '{"query": "{ __typename }"}'}, None)
    limits = app.document_limits(settings.read())
    for document in trusted_documents().values():
        prepare(document.text, limits)
    settle()


def handler(event: Any, context: Any) -> Any:
    """The AWS Lambda entry for events of API Gateway."""
    invoked(context)
    return _made()(event, context)


begin(__name__, _made, _rehearse)
