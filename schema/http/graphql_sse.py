"""GraphQL over Server-Sent Events: /graphql/stream, in the distinct connections mode of the graphql-sse protocol.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from graphql import OperationType
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse

from datasources.observability.metrics import emit_metrics
from resolvers.context import Context
from resolvers.errors import BadUserInput, LimitExceeded, ShownError, StreamsUnavailable
from resolvers.outbox_poller import OutboxPoller
from resolvers.subscription_state import HEARTBEAT_SECONDS, REAUTHENTICATE_SECONDS, SubscriptionState
from schema.execution.execution import GraphQLRequest
from schema.http.endpoint import (
    GRAPHQL_RESPONSE_MEDIA_TYPE,
    REQUEST_ID_HEADER,
    SAFE_METHODS,
    GraphQLEndpoint,
    MethodNotAllowed,
    error_response,
    has_only_operations,
)
from schema.http.request_body import JSON_MEDIA_TYPE
from schema.http.responses import stream_responses
from schema.http.server_sent_events import (
    COMPLETE_EVENT,
    EVENT_STREAM_MEDIA_TYPE,
    KEEP_ALIVE,
    EventStreamResponse,
    OpenStreams,
    encode_event,
)

log = logging.getLogger("stackflow.streams")

# Seconds after which a rejected client can retry.
RETRY_AFTER_SECONDS = 5


class TooManyStreams(LimitExceeded):
    """This process has the maximum number of open streams."""


class NotAcceptable(BadUserInput):
    """The client does not take Server-Sent Events."""


class StreamEndpoint:
    """The /graphql/stream route. Without an outbox poller it responds with an error that names the alternative.

    The caller is authenticated again every `reauthenticate_seconds`; after `heartbeat_seconds` without an event, a
    heartbeat is sent.
    """

    def __init__(
        self,
        endpoint: GraphQLEndpoint,
        poller: OutboxPoller | None,
        streams: OpenStreams,
        *,
        reauthenticate_seconds: float = REAUTHENTICATE_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._poller = poller
        self._streams = streams
        self._reauthenticate_seconds = reauthenticate_seconds
        self._heartbeat_seconds = heartbeat_seconds

    async def respond_or_stream(self, http: HttpRequest) -> HttpResponse:
        """Handle /graphql: a stream if the client accepts event streams and no JSON, otherwise a response."""
        accepted = http.headers.get("accept", "")
        streams = (
            EVENT_STREAM_MEDIA_TYPE in accepted
            and JSON_MEDIA_TYPE not in accepted
            and GRAPHQL_RESPONSE_MEDIA_TYPE not in accepted
        )
        return await (self.respond(http) if streams else self._endpoint.respond(http))

    async def respond(self, http: HttpRequest) -> HttpResponse:
        """Open the stream.

        Errors before the stream begins have an HTTP status. Errors of the operation are events, because browsers hide
        the body of an error response from pages.
        """
        call = self._endpoint.begin_call(http)
        try:
            if self._poller is None:
                raise StreamsUnavailable(
                    "streams are not served here; poll changesSince, or send ask as a query", field="changesSince"
                )
            if http.method == "HEAD":
                raise MethodNotAllowed("a stream has no end to measure; use GET or POST", "GET, POST")
            _check_accept(http.headers.get("accept", ""))
            request, context = await self._endpoint.parse_request(http, call)
            operation_types = (OperationType.QUERY, OperationType.SUBSCRIPTION)
            if http.method in SAFE_METHODS and not has_only_operations(
                request, self._endpoint.limits, *operation_types
            ):
                raise MethodNotAllowed("GET is for queries and subscriptions only; use POST")
            if self._streams.is_full or self._streams.stopping.is_set():
                raise TooManyStreams(
                    "this server has too many open streams; retry later, or poll changesSince",
                    allowed=self._streams.max_streams,
                )
        except ShownError as error:
            return _stream_error_response(error, error_response(error, call))
        context.subscription = SubscriptionState(
            self._poller,
            partial(self._endpoint.authenticate, http.headers.get("authorization")),
            asyncio.get_running_loop().time(),
            after=http.headers.get("last-event-id") or None,
            reauthenticate_seconds=self._reauthenticate_seconds,
            heartbeat_seconds=self._heartbeat_seconds,
        )
        return EventStreamResponse(
            self._stream_chunks(request, context), self._streams, {REQUEST_ID_HEADER: call.request_id}
        )

    async def _stream_chunks(self, request: GraphQLRequest, context: Context) -> AsyncGenerator[bytes, None]:
        begin = time.perf_counter()
        events = 0
        codes = set[str]()
        try:
            # Sends the headers before the first event.
            yield KEEP_ALIVE
            async with aclosing(stream_responses(request, context, self._endpoint.limits)) as batches:
                async for messages in batches:
                    bodies = [each.body for each in messages if each.body is not None]
                    events += len(bodies)
                    codes |= {error["extensions"]["code"] for each in bodies for error in each.get("errors", ())}
                    yield (
                        b"".join(encode_event(each.body, each.cursor, context.request.request_id) for each in messages)
                        or KEEP_ALIVE
                    )
            yield COMPLETE_EVENT
        finally:
            emit_metrics(StreamEvents=events)
            log.info(
                "stream",
                extra={
                    "request_id": context.request.request_id, "operation": request.operation_name or "",
                    "principal": context.principal.name, "seconds": round(time.perf_counter() - begin, 1),
                    "events": events, "errors": sorted(codes),
                },
            )  # fmt: skip


def _check_accept(accepted: str) -> None:
    ranges = {each.partition(";")[0].strip().lower() for each in accepted.split(",")}
    if accepted and not ranges & {EVENT_STREAM_MEDIA_TYPE, "text/*", "*/*"}:
        raise NotAcceptable(f"this answers in {EVENT_STREAM_MEDIA_TYPE} only; accept it", argument="accept")


def _stream_error_response(error: ShownError, reply: HttpResponse) -> HttpResponse:
    for kind, status in ((StreamsUnavailable, 501), (TooManyStreams, 503), (NotAcceptable, 406)):
        if isinstance(error, kind):
            reply.status_code = status
    if isinstance(error, TooManyStreams):
        reply.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    return reply
