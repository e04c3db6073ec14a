"""GraphQL over HTTP: POST and GET with media types and status codes; no batches, no multipart."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from graphql import OperationDefinitionNode, OperationType
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from uuid_utils import uuid7

from datasources.aurora.driver.bounded_rows import MAX_ROW_BYTES
from datasources.config import DocumentLimits, RequestLimits
from datasources.errors import SourceError
from datasources.observability.spans import SERVER, record_call, record_status
from datasources.observability.trace_context import parse_trace_context
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from resolvers.context import Context, Limits
from resolvers.errors import BadUserInput, ShownError, SourceLost
from resolvers.principals.errors import IssuerUnavailable, Unauthenticated
from resolvers.principals.principal import Principal
from schema.execution.document_cache import prepare_document
from schema.execution.execution import FREE_FORM_PERMISSION, GraphQLRequest, encode_as_of, execute_request
from schema.execution.persisted_documents import PersistedDocuments, PersistedQueryNotFound
from schema.execution.tracing import log_operation
from schema.http.encoding import encode_response
from schema.http.request_body import (
    JSON_MEDIA_TYPE,
    BodyTimeout,
    BodyTooLarge,
    ClientDisconnected,
    UnsupportedEncoding,
    UnsupportedMediaType,
    media_type,
    parse_json,
    read_body,
)

GRAPHQL_RESPONSE_MEDIA_TYPE = "application/graphql-response+json"
SAFE_METHODS = frozenset({"GET", "HEAD"})
REQUEST_ID_HEADER = "x-stackflow-request-id"
AS_OF_HEADER = "x-stackflow-as-of"
_AS_OF_TOKEN = re.compile(r"w([0-9]{1,18})")
_SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

log = logging.getLogger("stackflow.http")

Authenticate = Callable[[str | None], Awaitable[Principal]]


# The flow of requests before the caller is authenticated.
UNAUTHENTICATED_FLOW = "unknown callers"


class GraphQLEndpoint:
    """The /graphql route, with one context for each request."""

    def __init__(
        self,
        sources: Sources,
        authenticate: Authenticate,
        *,
        limits: RequestLimits | None = None,
    ) -> None:
        self._sources = sources
        self._authenticate = authenticate
        limits = limits or RequestLimits()
        self._timeout = limits.timeout
        self._body_bytes = limits.body_bytes
        self.limits = limits.document
        self._plans = limits.plans
        self._documents = PersistedDocuments(self.limits)

    async def respond(self, http: HttpRequest) -> HttpResponse:
        call = self.begin_call(http)
        with record_call("GraphQL Operation", SERVER, call) as recording:
            reply = await self._execute(http, call)
            record_status(recording, reply.status_code)
        return reply

    async def _execute(self, http: HttpRequest, call: RequestContext) -> HttpResponse:
        media = _negotiate_media_type(http)
        try:
            request, context = await self.parse_request(http, call)
            if http.method in SAFE_METHODS and not has_only_operations(request, self.limits, OperationType.QUERY):
                raise MethodNotAllowed(f"{http.method} is for queries only; use POST")
        except ShownError as error:
            return error_response(error, call, media)
        with log_operation(request, context) as logged:
            response = await execute_request(request, context, self.limits)
            logged.response = response
        is_refused = not response.executed and media == GRAPHQL_RESPONSE_MEDIA_TYPE
        return _json_response(response.body, 400 if is_refused else 200, call, media)

    def begin_call(self, http: HttpRequest) -> RequestContext:
        """Return the request context of an HTTP request, with its deadline."""
        return new_call(http, self._timeout)

    async def parse_request(self, http: HttpRequest, call: RequestContext) -> tuple[GraphQLRequest, Context]:
        """Parse the request and authenticate its caller. ShownError if that fails."""
        call.min_transaction = _parse_as_of(http)
        with use_request(call):
            principal = await self.authenticate(http.headers.get("authorization"))
        request = await self._read_request(http, principal)
        return request, Context(
            principal,
            principal.scope,
            self._sources,
            call,
            Limits(page=self.limits.page, fields=self.limits.cost, plans=self._plans),
        )

    async def authenticate(self, authorization: str | None) -> Principal:
        """Authenticate the caller by this header. AccessError, or SourceLost if a store is unavailable."""
        try:
            return await self._authenticate(authorization)
        except SourceError as error:
            raise SourceLost(f"{error.source} is not available", store=error.source) from error

    async def _read_request(self, http: HttpRequest, principal: Principal) -> GraphQLRequest:
        if http.method in SAFE_METHODS:
            # A parameter without a value counts as omitted.
            body: Any = {name: value for name, value in http.query_params.items() if value}
            for part in ("variables", "extensions"):
                if part in body:
                    body[part] = parse_json(body[part].encode(errors="replace"), part)
        else:
            kind = media_type(http)
            if kind != JSON_MEDIA_TYPE:
                raise UnsupportedMediaType(f"content-type is {kind or 'missing'!r}; send {JSON_MEDIA_TYPE}")
            body = parse_json(await read_body(http, self._body_bytes, self._timeout), "the body")
        if isinstance(body, list):
            raise BadUserInput("batches are not supported; send one operation in a request")
        if not isinstance(body, dict):
            raise BadUserInput("the body must be an object", argument="query")
        variables: Any = body.get("variables")
        name: Any = body.get("operationName")
        if variables is not None and not isinstance(variables, dict):
            raise BadUserInput("variables must be an object", argument="variables")
        if name is not None and not isinstance(name, str):
            raise BadUserInput("operationName must be text", argument="operationName")
        text = self._documents.resolve_text(body, free_form=principal.allows(FREE_FORM_PERMISSION))
        explain, explain_statements = _parse_explain(body.get("extensions"))
        return GraphQLRequest(text, variables, name or None, explain, explain_statements)


class MethodNotAllowed(BadUserInput):
    """The HTTP method does not allow the operation; `allow` lists the methods that do."""

    def __init__(self, message: str, allow: str = "POST") -> None:
        super().__init__(message)
        self.allow = allow


_ERROR_STATUSES: tuple[tuple[type[ShownError], int], ...] = (
    (Unauthenticated, 401),
    (IssuerUnavailable, 503),
    (SourceLost, 503),
    (MethodNotAllowed, 405),
    (UnsupportedMediaType, 415),
    (BodyTooLarge, 413),
    (BodyTimeout, 408),
    (ClientDisconnected, 400),
)


def error_status(error: ShownError, media: str = GRAPHQL_RESPONSE_MEDIA_TYPE) -> int:
    """Return the HTTP status of an error before execution."""
    if isinstance(error, PersistedQueryNotFound) and media == JSON_MEDIA_TYPE:
        # Clients of the older media type ignore the body for other statuses and would not send the text.
        return 200
    return next((status for kind, status in _ERROR_STATUSES if isinstance(error, kind)), 400)


def error_response(error: ShownError, call: RequestContext, media: str = GRAPHQL_RESPONSE_MEDIA_TYPE) -> HttpResponse:
    """Return the response for an error before execution."""
    reply = _json_response({"errors": [_format_error(error)]}, error_status(error, media), call, media)
    reply.headers.update(error_headers(error))
    return reply


def error_headers(error: ShownError) -> dict[str, str]:
    """Return the HTTP headers that describe an error."""
    if isinstance(error, ClientDisconnected):
        log.info("the client left", extra={"problem": str(error)})
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    if isinstance(error, MethodNotAllowed):
        return {"allow": error.allow}
    if isinstance(error, UnsupportedEncoding):
        # RFC 9110, section 12.5.3: the encodings that are accepted instead.
        return {"accept-encoding": "identity"}
    # The rest of the body can still arrive; it must not be read as the next request.
    return {"connection": "close"} if isinstance(error, BodyTimeout | BodyTooLarge) else {}


def _format_error(error: ShownError) -> dict[str, Any]:
    return {"message": str(error), "extensions": error.extensions}


def _json_response(body: dict[str, Any], status: int, call: RequestContext, media: str) -> HttpResponse:
    headers = {REQUEST_ID_HEADER: call.request_id, "cache-control": "no-store"}
    return HttpResponse(
        encode_response(body, call.request_id),
        status,
        headers if call.min_transaction is None else headers | {AS_OF_HEADER: encode_as_of(call.min_transaction)},
        f"{media}; charset=utf-8",
    )


def _negotiate_media_type(http: HttpRequest) -> str:
    # A client that accepts only the older media type gets it.
    accepted = http.headers.get("accept", "")
    return (
        JSON_MEDIA_TYPE
        if JSON_MEDIA_TYPE in accepted and GRAPHQL_RESPONSE_MEDIA_TYPE not in accepted
        else GRAPHQL_RESPONSE_MEDIA_TYPE
    )


def new_call(http: HttpRequest, seconds: float) -> RequestContext:
    """Return the request context of an HTTP request with this number of seconds until its deadline."""
    trace_context = parse_trace_context(http.headers.get("traceparent", ""), http.headers.get("x-amzn-trace-id", ""))
    deadline = asyncio.get_running_loop().time() + seconds
    return RequestContext(
        request_id(http),
        deadline,
        row_bytes=MAX_ROW_BYTES,
        trace=trace_context.trace,
        parent=trace_context.parent,
        sampled=trace_context.sampled,
        flow=UNAUTHENTICATED_FLOW,
    )


def request_id(http: HttpRequest) -> str:
    """Return the request id from the header if it is safe to log, or a new one."""
    value = http.headers.get(REQUEST_ID_HEADER, "")
    return value if _SAFE_REQUEST_ID.fullmatch(value) else str(uuid7())


def _parse_as_of(http: HttpRequest) -> int | None:
    token = http.headers.get(AS_OF_HEADER)
    if not token:
        return None
    match = _AS_OF_TOKEN.fullmatch(token)
    if match is None:
        raise BadUserInput(f"{AS_OF_HEADER} is not a token of an earlier answer; leave it out", argument=AS_OF_HEADER)
    return int(match[1])


def _parse_explain(extensions: Mapping[str, Any] | None) -> tuple[bool, bool]:
    """Return whether the answer and its statements are to be explained. BadUserInput names the member."""
    members = extensions or {}
    explain, statements = members.get("explain"), members.get("explainStatements")
    for name, value in (("explain", explain), ("explainStatements", statements)):
        if value is not None and not isinstance(value, bool):
            raise BadUserInput(f"{name} must be true or false", argument=f"extensions.{name}")
    if statements and not explain:
        raise BadUserInput("explainStatements needs explain", argument="extensions.explainStatements")
    return bool(explain), bool(statements)


def has_only_operations(request: GraphQLRequest, limits: DocumentLimits, *kinds: OperationType) -> bool:
    """Whether all operations of the document have these types. True if it is invalid, which is reported elsewhere."""
    document = prepare_document(request.document, limits).document
    return document is None or all(
        each.operation in kinds for each in document.definitions if isinstance(each, OperationDefinitionNode)
    )
