"""The documentation at /docs/, from the folder that `make docs` builds."""

from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from schema.http.graphiql import SECURITY_HEADERS

NOT_BUILT_PAGE = "<!doctype html><title>StackFlow</title><p>The documentation is not built; run make docs</p>"


def documentation_routes(folder: Path) -> list[BaseRoute]:
    """Return the routes of /docs/ for the folder of the built site; without it, a page with status 404 says so."""
    return [Mount("/docs", _Site(directory=folder, html=True, check_dir=False))]


class _Site(StaticFiles):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any((Path(folder) / "index.html").is_file() for folder in self.all_directories):
            await super().__call__(scope, receive, send)
        else:
            headers = SECURITY_HEADERS | {"cache-control": "no-store"}
            await HTMLResponse(NOT_BUILT_PAGE, status_code=404, headers=headers)(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(SECURITY_HEADERS | {"cache-control": "no-cache"})
        return response
