"""GraphiQL from the same origin: the built page and its assets, compressed as the browser accepts."""

import mimetypes
import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

# Monaco writes style attributes and runs workers from blobs; everything else, and all other origins, is blocked.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
# The name of a file includes the hash of its content, so the file never changes.
IMMUTABLE_CACHE_CONTROL = "public, max-age=31536000, immutable"
NOT_BUILT_PAGE = "<!doctype html><title>StackFlow</title><p>GraphiQL is not built; run make graphiql</p>"

# In order of preference: brotli is 20% smaller than gzip here.
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
_NAME = re.compile(r"[\w-][\w.-]*")


def graphiql_routes(folder: Path) -> list[BaseRoute]:
    """Return the routes of /graphiql/ for the folder that `make graphiql` fills; if it is missing, a page says so."""

    async def page(request: Request) -> Response:
        index = folder / "index.html"
        if not index.is_file():
            return HTMLResponse(NOT_BUILT_PAGE, headers=SECURITY_HEADERS | {"cache-control": "no-store"})
        return _file_response(request, index, "no-cache")

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        path = folder / "assets" / name
        if not _NAME.fullmatch(name) or path.suffix in _ENCODINGS.values() or not path.is_file():
            raise HTTPException(404)
        return _file_response(request, path, IMMUTABLE_CACHE_CONTROL)

    async def slash(_: Request) -> Response:
        # The addresses in the page are relative to the folder, like this one, so a stage prefix is preserved.
        return RedirectResponse("graphiql/", status_code=308)

    return [
        Route("/graphiql", slash),
        Route("/graphiql/", page),
        Route("/graphiql/assets/{name}", asset),
    ]


def accepted_encodings(header: str) -> list[str]:
    """Return our encodings that an Accept-Encoding header allows, in order of preference (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, parameter = part.partition(";")
        text = parameter.strip().removeprefix("q=")
        try:
            weights[name.strip()] = float(text) if text else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    others = weights.get("*", 0.0)
    return [name for name in _ENCODINGS if weights.get(name, others) > 0]


def _file_response(request: Request, path: Path, caching: str) -> Response:
    headers = SECURITY_HEADERS | {"cache-control": caching, "vary": "accept-encoding"}
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    for name in accepted_encodings(request.headers.get("accept-encoding", "")):
        packed = path.with_name(path.name + _ENCODINGS[name])
        if packed.is_file():
            return FileResponse(packed, headers=headers | {"content-encoding": name}, media_type=kind)
    return FileResponse(path, headers=headers, media_type=kind)
