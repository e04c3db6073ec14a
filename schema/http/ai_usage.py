"""The page /ai-usage/: spend and hit rate of language models over time, which the browser asks of /graphql."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

FOLDER = Path(__file__).parent / "ai_usage_page"
# Everything of the page is a file of this origin, and nothing else is loaded or contacted.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def ai_usage_routes() -> list[BaseRoute]:
    """Return the routes of the page and its files. They have no data: what is shown is what the caller may read."""

    async def page(_: Request) -> Response:
        return FileResponse(FOLDER / "index.html", headers=HEADERS)

    async def script(_: Request) -> Response:
        return FileResponse(FOLDER / "page.js", headers=HEADERS, media_type="text/javascript")

    async def style(_: Request) -> Response:
        return FileResponse(FOLDER / "page.css", headers=HEADERS)

    async def slash(_: Request) -> Response:
        # The addresses in the page are relative to the folder, like this one, so a prefix is preserved.
        return RedirectResponse("ai-usage/", status_code=308)

    return [
        Route("/ai-usage", slash),
        Route("/ai-usage/", page),
        Route("/ai-usage/page.js", script),
        Route("/ai-usage/page.css", style),
    ]
