"""Composition root: builds the ASGI application from the settings, and handles calls of the API on AWS Lambda."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from mangum import Mangum
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from datasources.config import LanguageProvider
from datasources.files.mappings.alerts import AlertMapping, AlertMappingError, load_alert_mapping
from datasources.observability.logs import begin_invocation
from datasources.observability.tracing import export_traces
from datasources.queues.factory import open_queues
from datasources.queues.port import Queue
from datasources.sources import Sources, open_sources
from resolvers.models.catalog import CatalogError, load_catalog
from resolvers.outbox_poller import OutboxPoller
from resolvers.principals.authentication import Authenticator
from resolvers.principals.principal import development_principal
from resolvers.principals.tokens import ClaimNames
from schema.execution.execution import freeze_gc, raise_gc_thresholds
from schema.http.ai_usage import ai_usage_routes
from schema.http.alert_webhooks import alert_routes
from schema.http.documentation import documentation_routes
from schema.http.endpoint import GraphQLEndpoint
from schema.http.events import event_routes
from schema.http.graphiql import graphiql_routes
from schema.http.graphql_sse import StreamEndpoint
from schema.http.health import health_routes
from schema.http.server_sent_events import OpenStreams
from settings import Settings, SettingsError
from workers import requirements
from workers.consistency import background_comparer
from workers.documents import background_indexer, background_publisher
from workers.events import background_event_consumer
from workers.lambda_runtime import bootstrap, load_settings
from workers.projection import background_projector
from workers.workflows import background_workflow_worker

EXPLORER_FOLDER = Path(__file__).parent / "explorer" / "dist"
DOCUMENTATION_FOLDER = Path(__file__).parent / "docs" / "_build" / "html"

# Types that API Gateway sends as text. Mangum treats other types as bytes, and clients would get them in Base64.
TEXT_MIME_TYPES = [
    "text/",
    "application/json",
    "application/graphql-response+json",
    "application/javascript",
    "image/svg+xml",
]

LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]


def create_app(
    settings: Settings,
    sources: Sources | None = None,
    *,
    queue: Queue | None = None,
    on_loopback: bool = False,
    run_workers: bool = False,
    serve_streams: bool = True,
) -> Starlette:
    """Create the ASGI application, which closes its sources when it shuts down.

    If `run_workers`, it also projects the outbox, processes events, advances workflow runs, and indexes and publishes
    documents in the background. Events go to `queue`, or to the queue of the settings.

    `on_loopback` means that only this machine can reach the server, which only the owner of the socket knows; there,
    and only there, the development principal exists if there is no issuer, and /docs/ shows the documentation.
    `serve_streams` is for long-lived processes; end `state.streams` before the server waits for its connections to
    close.
    """
    _check_models(settings)
    sources = sources or open_sources(*settings.require_stores(), settings.language)
    access = settings.access
    authenticator = Authenticator(
        sources.main,
        issuer=access.issuer,
        audience=access.audience,
        jwks_url=access.jwks_url,
        names=ClaimNames(access.permissions_claim, access.teams_claim, access.permissions_prefix),
        development=development_principal(loopback=on_loopback, issuer=access.issuer),
    )
    endpoint = GraphQLEndpoint(sources, authenticator.authenticate, limits=settings.limits)

    queues = open_queues(sources.main, settings.queues)
    events = queue or queues.events

    open_streams = OpenStreams(settings.server.streams)
    streams = StreamEndpoint(
        endpoint, OutboxPoller(sources.main, sources.heartbeats) if serve_streams else None, open_streams
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        freeze_gc()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(export_traces(settings.seen))
            stack.push_async_callback(sources.close)
            stack.push_async_callback(authenticator.close)
            stack.callback(open_streams.stop_all)
            if run_workers:
                await stack.enter_async_context(background_projector(sources))
                await stack.enter_async_context(requirements.background_requirements_follower(sources))
                if settings.consistency_seconds and sources.projection is not None:
                    await stack.enter_async_context(background_comparer(sources, settings.consistency_seconds))
                await stack.enter_async_context(background_event_consumer(sources, events))
                await stack.enter_async_context(background_workflow_worker(sources, queues))
                await stack.enter_async_context(background_indexer(sources))
                if sources.knowledge_data_source is not None:
                    await stack.enter_async_context(background_publisher(sources, sources.knowledge_data_source))
            yield

    application = Starlette(
        routes=[
            Route("/graphql", streams.respond_or_stream, methods=["GET", "POST"]),
            Route("/graphql/stream", streams.respond, methods=["GET", "POST"]),
            *event_routes(events, authenticator.authenticate),
            *alert_routes(events, authenticator.authenticate, _alert_mapping(settings)),
            *health_routes(sources),
            *graphiql_routes(EXPLORER_FOLDER / "graphiql"),
            # On Lambda, CloudWatch's dashboard shows the same.
            *(ai_usage_routes() if serve_streams else ()),
            *(documentation_routes(DOCUMENTATION_FOLDER) if on_loopback else ()),
        ],
        lifespan=lifespan,
        # The development principal has all permissions, so pages of other hosts must not reach it by DNS rebinding.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_HOSTS)] if on_loopback else [],
    )
    application.state.streams = open_streams
    return application


def _alert_mapping(settings: Settings) -> AlertMapping:
    try:
        return load_alert_mapping(settings.alerts_mapping) if settings.alerts_mapping else load_alert_mapping()
    except AlertMappingError as error:
        raise SettingsError(f"ALERTS_MAPPING is not usable: {error}") from error


def _check_models(settings: Settings) -> None:
    """Refuse a catalog of models that cannot be used, at the start instead of with the first question."""
    if settings.language.provider is LanguageProvider.LOCAL and settings.language.models is None:
        return
    try:
        load_catalog(settings.language.models)
    except CatalogError as error:
        raise SettingsError(f"AI_MODELS is not usable: {error}") from error


@cache
def _lambda_application() -> Mangum:
    """One application for each execution environment of Lambda, created during its start."""
    # `bootstrap` does the rest of what a server does after its start.
    raise_gc_thresholds()
    # The first call opens the sources: nothing is connected yet.
    return Mangum(create_app(load_settings(), serve_streams=False), lifespan="off", text_mime_types=TEXT_MIME_TYPES)


def handler(event: Any, context: Any) -> Any:
    """Handle events of API Gateway on AWS Lambda."""
    begin_invocation(context)
    return _lambda_application()(event, context)


bootstrap(__name__, _lambda_application)
