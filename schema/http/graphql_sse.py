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

from datasources.observability.metrics import tell
from resolvers.context import Context
from resolvers.errors import BadUserInput, LimitExceeded, ShownError, StreamsUnavailable
from resolvers.outbox_poller import Tail
from resolvers.subscription_state import PROVEN, SILENCE, Listening
from schema.execution.execution import Request
from schema.http.endpoint import READING, REQUEST_ID, RESPONSE_JSON, GraphQLEndpoint, MethodNotAllowed, only, refused
from schema.http.request_body import PLAIN_JSON
from schema.http.responses import responses
from schema.http.server_sent_events import ALIVE, COMPLETE, EVENT_STREAM, EventStream, OpenStreams, event

log = logging.getLogger("stackflow.streams")

# Seconds after which a client that was turned away may come again.
RETRY = 5


class TooManyStreams(LimitExceeded):
    """This process keeps as many streams open as it may."""


class NotAcceptable(BadUserInput):
    """The client does not take Server-Sent Events."""


class StreamEndpoint:
    """The /graphql/stream route, beside /graphql. Without a tail it says where to ask instead.

    Who listens is proven anew every `prove_every` seconds; after so many seconds of `silence` a sign of life is sent.
    """

    def __init__(
        self,
        endpoint: GraphQLEndpoint,
        tail: Tail | None,
        streams: OpenStreams,
        *,
        prove_every: float = PROVEN,
        silence: float = SILENCE,
    ) -> None:
        self._endpoint = endpoint
        self._tail = tail
        self._streams = streams
        self._prove_every = prove_every
        self._silence = silence

    async def either(self, http: HttpRequest) -> HttpResponse:
        """The /graphql route: a stream for who accepts no JSON but events, an answer for everybody else."""
        accepted = http.headers.get("accept", "")
        streams = EVENT_STREAM in accepted and PLAIN_JSON not in accepted and RESPONSE_JSON not in accepted
        return await (self.respond(http) if streams else self._endpoint.respond(http))

    async def respond(self, http: HttpRequest) -> HttpResponse:
        """The stream. What keeps it from beginning has a status of HTTP; what is wrong with the operation is an event,
        as browsers do not show their pages the body of a refusal."""
        call = self._endpoint.call(http)
        try:
            if self._tail is None:
                raise StreamsUnavailable("streams are not served here; poll changesSince", field="changesSince")
            if http.method == "HEAD":
                raise MethodNotAllowed("a stream has no end to measure; use GET or POST", "GET, POST")
            _check_accept(http.headers.get("accept", ""))
            request, context = await self._endpoint.understood(http, call)
            kinds = (OperationType.QUERY, OperationType.SUBSCRIPTION)
            if http.method in READING and not only(request, self._endpoint.limits, *kinds):
                raise MethodNotAllowed("GET is for queries and subscriptions only; use POST")
            if self._streams.is_full or self._streams.ending.is_set():
                raise TooManyStreams(
                    "this server keeps no more streams open; come again in a while, or poll changesSince",
                    allowed=self._streams.most,
                )
        except ShownError as error:
            return _turned_away(error, refused(error, call))
        context.listening = Listening(
            self._tail,
            partial(self._endpoint.principal, http.headers.get("authorization")),
            asyncio.get_running_loop().time(),
            after=http.headers.get("last-event-id") or None,
            prove_every=self._prove_every,
            silence=self._silence,
        )
        return EventStream(self._pieces(request, context), self._streams, {REQUEST_ID: call.request_id})

    async def _pieces(self, request: Request, context: Context) -> AsyncGenerator[bytes, None]:
        begin, events, codes = time.perf_counter(), 0, set[str]()
        try:
            # Sends the headers before anything happens.
            yield ALIVE
            async with aclosing(responses(request, context, self._endpoint.limits)) as told:
                async for some in told:
                    bodies = [each.body for each in some if each.body is not None]
                    events += len(bodies)
                    codes |= {error["extensions"]["code"] for each in bodies for error in each.get("errors", ())}
                    yield b"".join(event(each.body, each.cursor, context.call.request_id) for each in some) or ALIVE
            yield COMPLETE
        finally:
            tell(StreamEvents=events)
            log.info(
                "stream",
                extra={
                    "request_id": context.call.request_id, "operation": request.operation_name or "",
                    "principal": context.principal.name, "seconds": round(time.perf_counter() - begin, 1),
                    "events": events, "errors": sorted(codes),
                },
            )  # fmt: skip


def _check_accept(accepted: str) -> None:
    ranges = {each.partition(";")[0].strip().lower() for each in accepted.split(",")}
    if accepted and not ranges & {EVENT_STREAM, "text/*", "*/*"}:
        raise NotAcceptable(f"this answers in {EVENT_STREAM} only; accept it", argument="accept")


def _turned_away(error: ShownError, reply: HttpResponse) -> HttpResponse:
    for kind, status in ((StreamsUnavailable, 501), (TooManyStreams, 503), (NotAcceptable, 406)):
        if isinstance(error, kind):
            reply.status_code = status
    if isinstance(error, TooManyStreams):
        reply.headers["retry-after"] = str(RETRY)
    return reply
