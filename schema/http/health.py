"""Health over HTTP: whether the process lives, whether each store answers, and how its background workers fare."""

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
# Seconds for which a worker may fail before the process counts as not ready: a fault of a moment passes by itself.
MAX_FAILING_SECONDS = 30.0


def health_routes(sources: Sources) -> list[Route]:
    """/health/live, /health/ready and /health/stores. Problems are named by store or worker, without addresses,
    credentials or values of rows.

    /health/ready looks at stores and workers, /health/stores at stores alone: what a worker fails at may lie in a row,
    so all servers fail at once, and a load balancer that asks for workers would then take all of them out of rotation.
    """

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> JSONResponse:
        found = await _check_stores(sources)
        workers = sources.heartbeats.records()
        down = [each for each in workers if _is_down(each)]
        emit_metrics(StoreDown=sum(not store.reachable for store in found), WorkersDown=len(down))
        return _health_response(
            _is_serving(found) and not down, found, {"workers": [_format_worker(each) for each in workers]}
        )

    async def stores(_: Request) -> JSONResponse:
        found = await _check_stores(sources)
        emit_metrics(StoreDown=sum(not store.reachable for store in found))
        return _health_response(_is_serving(found), found, {})

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/health/stores", stores)]


async def _check_stores(sources: Sources) -> list[Health]:
    call = RequestContext(deadline=asyncio.get_running_loop().time() + READY_TIMEOUT_SECONDS, flow="health")
    with use_request(call):
        return await sources.health()


def _is_serving(stores: Sequence[Health]) -> bool:
    # A lost cache costs speed, not answers, as does a store that another stands in for: neither takes the service out
    # of rotation.
    return all(store.reachable or store.replaced_by for store in stores if store.name != "cache")


def _is_down(worker: WorkerRecord) -> bool:
    # One that waits for a store is well: the store says so itself, and a graph may have a replacement.
    is_failing = worker.state is WorkerState.FAILING and worker.seconds > MAX_FAILING_SECONDS
    return worker.state is WorkerState.STUCK or is_failing


def _health_response(is_ready: bool, stores: Sequence[Health], more: dict[str, object]) -> JSONResponse:
    body = {"status": "ready" if is_ready else "not ready", "stores": [_format_store(store) for store in stores]} | more
    return JSONResponse(body, 200 if is_ready else 503)


def _format_worker(worker: WorkerRecord) -> dict[str, object]:
    shown: dict[str, object] = {"name": worker.name, "state": worker.state.value}
    if worker.state is WorkerState.RUNNING:
        return shown
    return shown | {"reason": worker.reason, "failures": worker.failures, "seconds": round(worker.seconds, 1)}


def _format_store(store: Health) -> dict[str, object]:
    told: dict[str, object] = {
        "name": store.name,
        "reachable": store.reachable,
        "version": store.version,
        "milliseconds": round(store.latency_ms, 1),
    }
    return told | ({"replacedBy": store.replaced_by} if store.replaced_by else {})
