"""Composition root: settings, then sources, then the schema's routes, then `handler` for Lambda. Nothing else."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from datasources.sources import Sources, open_sources
from resolvers.access import Authenticator
from resolvers.principals.principal import development_principal
from resolvers.principals.tokens import ClaimNames
from schema.graphiql import graphiql_routes
from schema.health import health_routes
from schema.http import GraphQLEndpoint
from schema.limits import DocumentLimits
from settings import Settings, SettingsError

EXPLORER = Path(__file__).parent / "explorer" / "dist"


def sources_of(settings: Settings) -> Sources:
    """The sources of complete settings. SettingsError names what is missing."""
    if settings.main is None:
        raise SettingsError("DATABASE_URL is missing; set it, or use `stackflow serve`, which starts a PostgreSQL")
    if settings.requirements is None:
        raise SettingsError("REQUIREMENTS_URL is missing; set it, or use `stackflow serve`")
    if settings.cache is None:
        raise SettingsError("REDIS_URL is missing; set it, or set it to off")
    return open_sources(settings.main, settings.requirements, settings.cache, settings.graph)


def create(settings: Settings, sources: Sources | None = None) -> Starlette:
    """The ASGI application. It closes its sources when it shuts down."""
    opened = sources or sources_of(settings)
    limits, access = settings.limits, settings.access
    authenticator = Authenticator(
        opened.main,
        issuer=access.issuer,
        audience=access.audience,
        jwks_url=access.jwks_url,
        names=ClaimNames(access.permissions_claim, access.teams_claim, access.permissions_prefix),
        development=development_principal(loopback=settings.server.loopback, issuer=access.issuer),
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
            cost=limits.complexity,
            page=limits.page,
        ),
        page=limits.page,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        logging.getLogger("stackflow").info("ready")
        yield
        await authenticator.close()
        await opened.close()

    return Starlette(
        routes=[
            Route("/graphql", endpoint.respond, methods=["GET", "POST"]),
            *health_routes(opened),
            *graphiql_routes(EXPLORER / "graphiql"),
        ],
        lifespan=lifespan,
    )
