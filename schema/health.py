"""Health over HTTP: whether the process lives, and whether each store answers."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from datasources.call import Call, calling
from datasources.health import Health
from datasources.seen.metrics import tell
from datasources.sources import Sources

READY_SECONDS = 3.0


def health_routes(sources: Sources) -> list[Route]:
    """/health/live and /health/ready. Problems are named by store, without addresses or credentials."""

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> JSONResponse:
        call = Call(deadline=asyncio.get_running_loop().time() + READY_SECONDS, flow="health")
        with calling(call):
            stores = await sources.health()
        tell(StoreDown=sum(not store.reachable for store in stores))
        # A lost cache costs speed, not answers, as does a store that another stands in for: neither takes the service
        # out of rotation.
        serving = all(store.reachable or store.replaced_by for store in stores if store.name != "cache")
        return JSONResponse(
            {"status": "ready" if serving else "not ready", "stores": [_told(store) for store in stores]},
            200 if serving else 503,
        )

    return [Route("/health/live", live), Route("/health/ready", ready)]


def _told(store: Health) -> dict[str, object]:
    told: dict[str, object] = {
        "name": store.name,
        "reachable": store.reachable,
        "version": store.version,
        "milliseconds": round(store.latency_ms, 1),
    }
    return told | ({"replacedBy": store.replaced_by} if store.replaced_by else {})
