"""Health checks over HTTP: the process, each store, and the background workers."""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from datasources.health import Health
from datasources.observability.metrics import emit_metrics
from datasources.records.workers import WorkerRecord, WorkerState
from datasources.request import RequestContext, use_request
from datasources.sources import Sources

READY_TIMEOUT_SECONDS = 3.0
# Seconds for which a worker can fail before the process counts as not ready: short faults end by themselves.
MAX_FAILING_SECONDS = 30.0


def health_routes(sources: Sources) -> list[Route]:
    """Return the routes /health/live, /health/ready and /health/stores.

    Problems name the store or worker, without addresses, credentials or values of rows. /health/ready checks stores and
    workers, /health/stores only stores: the cause of a failing worker can be a row, so that all servers fail at once,
    and a load balancer that checks workers would take all of them out of rotation.
    """

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> JSONResponse:
        healths = await _check_stores(sources)
        workers = sources.heartbeats.records()
        down = [each for each in workers if _is_down(each)]
        emit_metrics(StoreDown=sum(not store.reachable for store in healths), WorkersDown=len(down))
        return _health_response(
            _is_serving(healths) and not down, healths, {"workers": [_format_worker(each) for each in workers]}
        )

    async def stores(_: Request) -> JSONResponse:
        healths = await _check_stores(sources)
        emit_metrics(StoreDown=sum(not store.reachable for store in healths))
        return _health_response(_is_serving(healths), healths, {})

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/health/stores", stores)]


async def _check_stores(sources: Sources) -> list[Health]:
    call = RequestContext(deadline=asyncio.get_running_loop().time() + READY_TIMEOUT_SECONDS, flow="health")
    with use_request(call):
        return await sources.health()


def _is_serving(stores: Sequence[Health]) -> bool:
    # Without the cache, or with a fallback for a store, responses are slower but complete: neither takes the service
    # out of rotation.
    return all(store.reachable or store.replaced_by for store in stores if store.name != "cache")


def _is_down(worker: WorkerRecord) -> bool:
    # A worker that waits for a store is not down: the store is reported itself, and a graph can have a fallback.
    is_failing = worker.state is WorkerState.FAILING and worker.seconds > MAX_FAILING_SECONDS
    return worker.state is WorkerState.STUCK or is_failing


def _health_response(is_ready: bool, stores: Sequence[Health], more: dict[str, object]) -> JSONResponse:
    body = {"status": "ready" if is_ready else "not ready", "stores": [_format_store(store) for store in stores]} | more
    return JSONResponse(body, 200 if is_ready else 503)


def _format_worker(worker: WorkerRecord) -> dict[str, object]:
    body: dict[str, object] = {"name": worker.name, "state": worker.state.value}
    if worker.state is WorkerState.RUNNING:
        return body
    return body | {"reason": worker.reason, "failures": worker.failures, "seconds": round(worker.seconds, 1)}


def _format_store(store: Health) -> dict[str, object]:
    body: dict[str, object] = {
        "name": store.name,
        "reachable": store.reachable,
        "version": store.version,
        "milliseconds": round(store.latency_ms, 1),
    }
    return body | ({"replacedBy": store.replaced_by} if store.replaced_by else {})
