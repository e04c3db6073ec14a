"""The page of usage: what it loads, what it may contact, and a document that the schema accepts."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from graphql import parse, validate
from starlette.applications import Starlette

import app
from schema.http.ai_usage import CONTENT_SECURITY_POLICY, FOLDER, ai_usage_routes
from schema.schema import SCHEMA
from settings import load_settings

SCRIPT = (FOLDER / "page.js").read_text()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=ai_usage_routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://stackflow.test") as opened:
        yield opened


async def test_the_page_loads_its_own_files_only(client: httpx.AsyncClient) -> None:
    page = await client.get("/ai-usage/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert re.findall(r'(?:src|href)="([^"]+)"', page.text) == ["data:,", "page.css", "page.js"]
    assert re.findall(r"<style|<script>|style=|\son[a-z]+=", page.text) == []
    for name, kind in (("page.js", "text/javascript"), ("page.css", "text/css")):
        answer = await client.get(f"/ai-usage/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_address_without_a_slash_leads_to_the_page_relatively(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ai-usage")
    assert (answer.status_code, answer.headers["location"]) == (308, "ai-usage/")


def test_the_document_of_the_page_is_valid() -> None:
    [totals] = re.findall(r"const TOTALS = `([^`]+)`", SCRIPT)
    [document] = re.findall(r"const DOCUMENT = `([^`]+)`", SCRIPT)
    assert validate(SCHEMA._schema, parse(document.replace("${TOTALS}", totals))) == []


def test_text_is_never_parsed_as_markup() -> None:
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", SCRIPT) == []


@pytest.mark.parametrize(("serve_streams", "served"), [(True, True), (False, False)])
def test_servers_have_the_page_and_functions_do_not(serve_streams: bool, served: bool) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    settings = load_settings({"DATABASE_URL": nowhere, "REQUIREMENTS_URL": nowhere, "REDIS_URL": "off"})
    routes = app.create_app(settings, serve_streams=serve_streams).routes
    assert ("/ai-usage/" in {getattr(route, "path", "") for route in routes}) == served
