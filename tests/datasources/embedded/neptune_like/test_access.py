"""Signed handshakes: botocore signs as clients do, and each way to be wrong is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.auth
import pytest
from aiohttp import ClientSession
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.neptune_like import ClusterSettings, NeptuneLike, SigningKey
from tests.datasources.embedded.neptune_like.client import Client, g

KEY = SigningKey("AKIDEXAMPLE", "secret", "session-token")
REGION = "eu-central-1"


@pytest.fixture
def guarded(transactional_server: EmbeddedGremlin) -> Iterator[NeptuneLike]:
    """A double with IAM authentication on."""
    with NeptuneLike(transactional_server.url, ClusterSettings(credentials=KEY, region=REGION)) as double:
        yield double


def signed(
    url: str, key: SigningKey = KEY, region: str = REGION, service: str = "neptune-db", method: str = "GET"
) -> dict[str, str]:
    """The headers of a handshake with this URL, as botocore signs it now."""
    host = url.removeprefix("ws://").removesuffix("/gremlin")
    request = AWSRequest(method, url.replace("ws://", "http://"), headers={"Host": host})
    SigV4Auth(ReadOnlyCredentials(key.access_key, key.secret_key, key.token), service, region).add_auth(request)
    return dict(request.headers.items())


async def refused(double: NeptuneLike, headers: dict[str, str]) -> tuple[int, str, str]:
    """Status, code and details of a handshake that is refused."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with ClientSession() as session:
        answer = await session.get(double.url.replace("ws://", "http://"), headers={**upgrade, **headers})
        document: dict[str, Any] = await answer.json()
    assert double.request_log.handshakes[-1].status == answer.status
    assert sorted(document) == ["code", "detailedMessage", "message", "requestId"]
    return answer.status, document["code"], document["detailedMessage"]


async def test_a_valid_signature_opens_a_socket(guarded: NeptuneLike) -> None:
    async with Client(guarded.url, headers=signed(guarded.url)) as client:
        assert (await client.ask(g.inject(1))).data == [1]
    [handshake] = guarded.request_log.handshakes
    assert (handshake.endpoint, handshake.status) == ("writer", 101)
    assert handshake.headers["X-Amz-Security-Token"] == "session-token"


async def test_a_permanent_key_has_no_token(transactional_server: EmbeddedGremlin) -> None:
    key = SigningKey("AKIDEXAMPLE", "secret")
    with NeptuneLike(transactional_server.url, ClusterSettings(credentials=key, region=REGION)) as double:
        async with Client(double.url, headers=signed(double.url, key)) as client:
            assert (await client.ask(g.inject(1))).data == [1]
        assert (await refused(double, signed(double.url, KEY)))[0] == 403


async def test_no_signature_is_needed_without_credentials(double: NeptuneLike) -> None:
    async with Client(double.url) as client:
        assert (await client.ask(g.inject(1))).data == [1]


async def test_a_missing_signature_is_refused(guarded: NeptuneLike) -> None:
    assert await refused(guarded, {}) == (403, "AccessDeniedException", "Missing Authentication Token")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "region": ({"region": "eu-west-1"}, "Credential should be scoped to a valid region, and to the service"),
    "service": ({"service": "neptune"}, "Credential should be scoped to a valid region, and to the service"),
    "secret": ({"key": SigningKey(KEY.access_key, "guess", KEY.token)}, "The request signature we calculated does not"),
    "key": ({"key": SigningKey("AKIDOTHER", "secret", KEY.token)}, "The security token included in the request is inv"),
    "token": ({"key": SigningKey(KEY.access_key, "secret", "older")}, "The security token included in the request is"),
    "no token": ({"key": SigningKey(KEY.access_key, "secret")}, "The security token included in the request is inval"),
    "method": ({"method": "POST"}, "The request signature we calculated does not"),
}


@pytest.mark.parametrize("part", WRONG)
async def test_a_signature_with_a_wrong_part_is_refused(guarded: NeptuneLike, part: str) -> None:
    change, reason = WRONG[part]
    status, code, details = await refused(guarded, signed(guarded.url, **change))
    assert (status, code, details[: len(reason)]) == (403, "AccessDeniedException", reason)


async def test_a_signature_for_another_host_is_refused(guarded: NeptuneLike) -> None:
    headers = signed(guarded.reader_url)
    del headers["Host"]
    assert (await refused(guarded, headers))[:2] == (403, "AccessDeniedException")


async def test_a_signature_for_another_path_is_refused(guarded: NeptuneLike) -> None:
    headers = signed(guarded.url.replace("/gremlin", "/status"))
    headers["Host"] = guarded.url.removeprefix("ws://").removesuffix("/gremlin")
    assert (await refused(guarded, headers))[:2] == (403, "AccessDeniedException")


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_a_signature_serves_five_minutes(
    guarded: NeptuneLike, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    now = datetime.now(UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now + timedelta(seconds=seconds))
    status, code, details = await refused(guarded, signed(guarded.url))
    assert (status, code) == (403, "AccessDeniedException")
    assert details.startswith("Signature expired: ")
    near = now + timedelta(seconds=seconds * 0.9)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: near)
    async with Client(guarded.url, headers=signed(guarded.url)) as client:
        assert (await client.ask(g.inject(1))).data == [1]


async def test_a_date_that_was_changed_after_signing_is_refused(guarded: NeptuneLike) -> None:
    headers = signed(guarded.url)
    headers["X-Amz-Date"] = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%Y%m%dT%H%M%SZ")
    assert (await refused(guarded, headers))[:2] == (403, "AccessDeniedException")


@pytest.mark.parametrize("header", ["host", "x-amz-date", "x-amz-security-token"])
async def test_what_makes_a_signature_ours_must_be_signed(guarded: NeptuneLike, header: str) -> None:
    headers = signed(guarded.url)
    rest = ";".join(name for name in ("host", "x-amz-date", "x-amz-security-token") if name != header)
    authorization = headers["Authorization"].replace("host;x-amz-date;x-amz-security-token", rest)
    assert authorization != headers["Authorization"]
    status, code, details = await refused(guarded, {**headers, "Authorization": authorization})
    assert (status, code) == (403, "AccessDeniedException")
    assert details.endswith("must be signed headers.")


async def test_unsigned_headers_do_not_matter(guarded: NeptuneLike) -> None:
    headers = {**signed(guarded.url), "x-stackflow-request-id": "r-1"}
    async with Client(guarded.url, headers=headers) as client:
        assert (await client.ask(g.inject(1))).data == [1]
    assert guarded.request_log.handshakes[0].headers["x-stackflow-request-id"] == "r-1"


async def test_an_open_socket_outlives_its_signature(guarded: NeptuneLike) -> None:
    async with Client(guarded.url, headers=signed(guarded.url)) as client:
        guarded.rules = ClusterSettings(credentials=SigningKey("AKIDROTATED", "new"), region=REGION)
        assert (await client.ask(g.inject(1))).data == [1]
        assert (await refused(guarded, signed(guarded.url)))[0] == 403
