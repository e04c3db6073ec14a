"""Composition root: settings, then sources, then the schema's routes. Nothing else."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from datasources.files.alerts import AlertMapping, AlertMappingError
from datasources.files.alerts import load_alert_mapping as read_mapping
from datasources.observability.tracing import export_traces
from datasources.queues.factory import open_queues
from datasources.queues.port import Queue
from datasources.sources import Sources, open_sources
from resolvers.outbox_poller import OutboxPoller
from resolvers.principals.authentication import Authenticator
from resolvers.principals.principal import development_principal
from resolvers.principals.tokens import ClaimNames
from schema.execution.execution import freeze_gc
from schema.execution.limits import DocumentLimits
from schema.http.alert_webhooks import alert_routes
from schema.http.endpoint import GraphQLEndpoint
from schema.http.events import event_routes
from schema.http.graphiql import graphiql_routes
from schema.http.graphql_sse import StreamEndpoint
from schema.http.health import health_routes
from schema.http.server_sent_events import OpenStreams
from settings import Settings, SettingsError
from workers import requirements
from workers.consistency import background_comparer
from workers.events import background_event_consumer
from workers.projection import background_projector
from workers.workflows import background_workflow_worker

EXPLORER_FOLDER = Path(__file__).parent / "explorer" / "dist"

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
    """The ASGI application. It closes its sources when it shuts down; if `projecting`, it follows the outbox, gives
    events their effect and lets workflows go on till then. Events go to `queue`, or else to the
    one that the settings name.

    `on_loopback` says that nothing but this machine can reach it, which only who holds the socket knows; without an
    issuer, the development principal exists there and nowhere else. `streaming` is for processes that live on; its
    `state.streams` are to be ended before the server waits for its connections to close.
    """
    opened = sources or open_sources(*settings.require_stores())
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
        authenticator.authenticate,
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

    queues = open_queues(opened.main, settings.queues)
    events = queue or queues.events

    open_streams = OpenStreams(limits.streams)
    streams = StreamEndpoint(
        endpoint, OutboxPoller(opened.main, opened.heartbeats) if serve_streams else None, open_streams
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        freeze_gc()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(export_traces(settings.seen))
            stack.push_async_callback(opened.close)
            stack.push_async_callback(authenticator.close)
            stack.callback(open_streams.stop_all)
            if run_workers:
                await stack.enter_async_context(background_projector(opened))
                await stack.enter_async_context(requirements.background_requirements_follower(opened))
                if settings.consistency_seconds and opened.projection is not None:
                    await stack.enter_async_context(background_comparer(opened, settings.consistency_seconds))
                await stack.enter_async_context(background_event_consumer(opened, events))
                await stack.enter_async_context(background_workflow_worker(opened, queues))
            yield

    application = Starlette(
        routes=[
            Route("/graphql", streams.respond_or_stream, methods=["GET", "POST"]),
            Route("/graphql/stream", streams.respond, methods=["GET", "POST"]),
            *event_routes(events, authenticator.authenticate),
            *alert_routes(events, authenticator.authenticate, _alert_mapping(settings)),
            *health_routes(opened),
            *graphiql_routes(EXPLORER_FOLDER / "graphiql"),
        ],
        lifespan=lifespan,
        # The development principal may do everything, so no page of another name may reach it by rebinding DNS.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_HOSTS)] if on_loopback else [],
    )
    application.state.streams = open_streams
    return application


def _alert_mapping(settings: Settings) -> AlertMapping:
    try:
        return read_mapping(settings.alerts_mapping) if settings.alerts_mapping else read_mapping()
    except AlertMappingError as error:
        raise SettingsError(f"ALERTS_MAPPING is not usable: {error}") from error
