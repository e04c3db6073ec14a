"""GraphiQL's page and assets over HTTP, from a folder laid out as the build leaves it."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from schema.http.graphiql import CONTENT_SECURITY_POLICY, IMMUTABLE_CACHE_CONTROL, accepted_encodings, graphiql_routes

SCRIPT = b"console.log('stackflow');" * 100


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><script src='./assets/main-1a2b.js'></script>")
    (tmp_path / "secret.txt").write_text("secret")
    (assets / "main-1a2b.js").write_bytes(SCRIPT)
    (assets / "main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "main-1a2b.js.br").write_bytes(b"brotli's bytes")
    (assets / "codicon-3c4d.ttf").write_bytes(b"font")
    async with _client(tmp_path) as opened:
        yield opened


def _client(folder: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=graphiql_routes(folder)))
    return httpx.AsyncClient(transport=transport, base_url="http://stackflow.test")


async def test_the_page_is_asked_for_anew_each_time_and_lets_nothing_foreign_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphiql/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "main-1a2b.js" in answer.text


async def test_the_address_without_a_slash_leads_to_the_folder_relatively(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphiql")
    assert (answer.status_code, answer.headers["location"]) == (308, "graphiql/")


async def test_an_asset_is_kept_forever(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphiql/assets/main-1a2b.js", headers={"accept-encoding": "identity"})
    assert answer.content == SCRIPT
    assert answer.headers["cache-control"] == IMMUTABLE_CACHE_CONTROL
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "content-encoding" not in answer.headers


async def test_gzip_is_sent_to_who_takes_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphiql/assets/main-1a2b.js", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(gzip.compress(SCRIPT))
    assert answer.content == SCRIPT


async def test_brotli_is_preferred(client: httpx.AsyncClient) -> None:
    wanted = {"accept-encoding": "gzip, br"}
    async with client.stream("GET", "/graphiql/assets/main-1a2b.js", headers=wanted) as answer:
        assert answer.headers["content-encoding"] == "br"
        assert b"".join([piece async for piece in answer.aiter_raw()]) == b"brotli's bytes"


async def test_an_asset_without_a_packed_form_is_sent_as_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphiql/assets/codicon-3c4d.ttf", headers={"accept-encoding": "br"})
    assert answer.content == b"font"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["assets/none.js", "assets/..%2Fsecret.txt", "assets/%2e%2e", "assets/main-1a2b.js.gz", "secret.txt", "assets/"],
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/graphiql/{path}")).status_code == 404


async def test_without_a_build_a_page_says_what_to_do(tmp_path: Path) -> None:
    async with _client(tmp_path / "missing") as client:
        answer = await client.get("/graphiql/")
    assert answer.status_code == 200
    assert "GraphiQL is not built; run make graphiql" in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("", []),
        ("gzip, deflate, br, zstd", ["br", "gzip"]),
        ("gzip;q=1.0, br;q=0", ["gzip"]),
        ("*", ["br", "gzip"]),
        ("*, gzip;q=0", ["br"]),
        ("identity", []),
        ("GZIP; q=0.5", ["gzip"]),
        ("br;q=x", []),
    ],
)
def test_accept_encoding_is_read_as_the_standard_says(header: str, names: list[str]) -> None:
    assert accepted_encodings(header) == names
