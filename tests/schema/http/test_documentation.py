"""The documentation over HTTP, from a folder laid out as Sphinx leaves it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from schema.http.documentation import documentation_routes
from schema.http.graphiql import CONTENT_SECURITY_POLICY


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    site = tmp_path / "html"
    (site / "_static").mkdir(parents=True)
    (site / "decisions").mkdir()
    (site / "index.html").write_text("<!doctype html><title>Start</title>")
    (site / "decisions" / "index.html").write_text("<!doctype html><title>Decisions</title>")
    (site / "_static" / "theme.js").write_text("theme()")
    (site / "_static" / "basic.css").write_text("body {}")
    (tmp_path / "secret.txt").write_text("secret")
    (site / "link.txt").symlink_to(tmp_path / "secret.txt")
    async with _client(site) as opened:
        yield opened


def _client(folder: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=documentation_routes(folder)))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("", "text/html; charset=utf-8", "<!doctype html><title>Start</title>"),
        ("index.html", "text/html; charset=utf-8", "<!doctype html><title>Start</title>"),
        ("decisions/", "text/html; charset=utf-8", "<!doctype html><title>Decisions</title>"),
        ("_static/theme.js", "text/javascript; charset=utf-8", "theme()"),
        ("_static/basic.css", "text/css; charset=utf-8", "body {}"),
    ],
)
async def test_a_page_has_its_type_and_the_policy_of_pages(
    client: httpx.AsyncClient, path: str, kind: str, text: str
) -> None:
    answer = await client.get(f"/docs/{path}")
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (200, kind, text)
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/docs", "/docs/decisions"])
async def test_the_address_without_a_slash_leads_to_the_folder(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, f"http://127.0.0.1:8000{path}/")


async def test_a_page_that_did_not_change_is_not_sent_again(client: httpx.AsyncClient) -> None:
    etag = (await client.get("/docs/")).headers["etag"]
    answer = await client.get("/docs/", headers={"if-none-match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["none.html", "..%2Fsecret.txt", "%2e%2e/secret.txt", "_static/..%2F..%2Fsecret.txt", "%2Fetc%2Fpasswd",
     "_static/", "link.txt", "a%00b"],
)  # fmt: skip
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/docs/{path}")
    assert (answer.status_code, answer.text) == (404, "Not Found")


async def test_pages_are_only_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/docs/")).status_code == 405


async def test_without_a_build_a_page_says_what_to_do(tmp_path: Path) -> None:
    async with _client(tmp_path / "missing") as client:
        answer = await client.get("/docs/")
    assert answer.status_code == 404
    assert "The documentation is not built; run make docs" in answer.text
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["cache-control"] == "no-store"
