"""Composition root: settings, then sources, then the schema's routes, then `handler` for Lambda. Nothing else."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from mangum import Mangum
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from datasources.queues.opened import open_events
from datasources.sources import Sources, open_sources
from resolvers.access import Authenticator
from resolvers.principals.principal import development_principal
from resolvers.principals.tokens import ClaimNames
from schema.events import event_routes
from schema.execution import settle
from schema.graphiql import graphiql_routes
from schema.health import health_routes
from schema.http import GraphQLEndpoint
from schema.limits import DocumentLimits
from settings import Settings, read
from workers import events as incoming
from workers.beside import beside
from workers.consistency import comparing
from workers.projection import following

EXPLORER = Path(__file__).parent / "explorer" / "dist"

LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]


def create(
    settings: Settings, sources: Sources | None = None, *, on_loopback: bool = False, projecting: bool = False
) -> Starlette:
    """The ASGI application. It closes its sources when it shuts down; if `projecting`, it follows the outbox and
    gives events their effect till then.

    `on_loopback` says that nothing but this machine can reach it, which only who holds the socket knows; without an
    issuer, the development principal exists there and nowhere else.
    """
    opened = sources or open_sources(*settings.stores())
    limits, access = settings.limits, settings.access
    authenticator = Authenticator(
        opened.main,
        issuer=access.issuer,
        audience=access.audience,
        jwks_url=access.jwks_url,
        names=ClaimNames(access.permissions_claim, access.teams_claim, access.permissions_prefix),
        development=development_principal(loopback=on_loopback, issuer=access.issuer),
    )
    endpoint = GraphQLEndpoint(
        opened,
        authenticator.principal,
        timeout=limits.request_timeout,
        body_bytes=limits.body_bytes,
        limits=DocumentLimits(
            depth=limits.depth,
            aliases=limits.aliases,
            tokens=limits.tokens,
            directives=limits.directives,
            cost=limits.cost,
            page=limits.page,
        ),
    )

    events = open_events(opened.main)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        settle()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(opened.close)
            stack.push_async_callback(authenticator.close)
            if projecting:
                await stack.enter_async_context(following(opened))
                if settings.consistency_seconds and opened.projection is not None:
                    await stack.enter_async_context(comparing(opened, settings.consistency_seconds))
                await stack.enter_async_context(beside("events", partial(incoming.loop, opened, events)))
            yield

    return Starlette(
        routes=[
            Route("/graphql", endpoint.respond, methods=["GET", "POST"]),
            *event_routes(events, authenticator.principal),
            *health_routes(opened),
            *graphiql_routes(EXPLORER / "graphiql"),
        ],
        lifespan=lifespan,
        # The development principal may do everything, so no page of another name may reach it by rebinding DNS.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK)] if on_loopback else [],
    )


@cache
def _lambda() -> Mangum:
    return Mangum(create(read()), lifespan="off")


def handler(event: Any, context: Any) -> Any:
    """The AWS Lambda entry: one application an execution environment, made by its first call."""
    return _lambda()(event, context)
