"""Signing keys: fetched once, again for an unknown one, never in a storm, and kept while the issuer is away."""

import asyncio

import httpx
import pytest

from datasources.observability.spans import CLIENT, SERVER, record_call, use_exporter
from datasources.request import RequestContext
from resolvers.principals.errors import IssuerUnavailable, UnknownSigningKey
from resolvers.principals.signing_keys import SigningKeys
from resolvers.principals.tokens import TokenVerifier
from tests.fixtures.spans import Kept
from tests.resolvers.principals.conftest import Clock
from tests.resolvers.principals.issuer import Issuer, rsa


async def test_many_first_requests_fetch_once(issuer: Issuer, verifier: TokenVerifier) -> None:
    found = await asyncio.gather(*(verifier.verify(issuer.token()) for _ in range(20)))
    assert {principal.subject for principal in found} == {"ada"}
    assert issuer.asked == {"discovery": 1, "keys": 1}


async def test_rotated_key_is_fetched_once_and_the_old_one_is_gone(
    issuer: Issuer, keys: SigningKeys, clock: Clock
) -> None:
    await keys.get("first")
    issuer.keys = [rsa("second")]
    clock.now += 15
    found = await asyncio.gather(*(keys.get("second") for _ in range(20)))
    assert {key.kid for key in found} == {"second"}
    assert issuer.asked["keys"] == 2
    with pytest.raises(UnknownSigningKey):
        await keys.get("first")


async def test_unknown_key_is_fetched_exactly_once_an_interval(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    await keys.get("first")
    for moved, fetches in ((0, 1), (15, 2), (14, 2), (1, 3)):
        clock.now += moved
        found = await asyncio.gather(*(keys.get(f"invented-{i}") for i in range(20)), return_exceptions=True)
        assert {type(error) for error in found} == {UnknownSigningKey}
        assert issuer.asked["keys"] == fetches
    assert (await keys.get("first")).kid == "first"


async def test_old_keys_are_fetched_again(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    await keys.get("first")
    clock.now += 3_599
    await keys.get("first")
    assert issuer.asked["keys"] == 1
    clock.now += 1
    await keys.get("first")
    assert issuer.asked["keys"] == 2


async def test_issuer_away_leaves_the_cached_keys_for_a_day(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    await keys.get("first")
    issuer.away = True
    clock.now += 86_399
    for _ in range(5):
        assert (await keys.get("first")).kid == "first"
    assert issuer.asked["discovery"] == 2
    clock.now += 1
    with pytest.raises(IssuerUnavailable):
        await keys.get("first")


async def test_issuer_away_from_the_start_then_back(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    issuer.away = True
    for _ in range(5):
        with pytest.raises(IssuerUnavailable):
            await keys.get("first")
    assert issuer.asked == {"discovery": 1}
    issuer.away = False
    clock.now += 15
    assert (await keys.get("first")).kid == "first"


async def test_issuer_that_does_not_listen(issuer: Issuer, keys: SigningKeys) -> None:
    await issuer.stop()
    with pytest.raises(IssuerUnavailable):
        await keys.get("first")


async def test_cancelled_fetch_does_not_count_as_a_try(issuer: Issuer, keys: SigningKeys) -> None:
    first = asyncio.ensure_future(keys.get("first"))
    while not issuer.asked["keys"]:
        await asyncio.sleep(0.001)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await keys.get("first")).kid == "first"


async def test_discovery_that_names_another_issuer_is_not_believed(issuer: Issuer, keys: SigningKeys) -> None:
    issuer.named = "http://elsewhere.example"
    with pytest.raises(IssuerUnavailable):
        await keys.get("first")
    assert issuer.asked == {"discovery": 1}


async def test_given_address_of_the_keys_needs_no_discovery(issuer: Issuer) -> None:
    async with httpx.AsyncClient() as client:
        assert (await SigningKeys(client, issuer.url, f"{issuer.url}/keys").get("first")).kid == "first"
    assert issuer.asked == {"keys": 1}


async def test_token_without_key_id_needs_an_only_key(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    assert (await keys.get(None)).kid == "first"
    issuer.keys.append(rsa("second"))
    clock.now += 3_600
    with pytest.raises(UnknownSigningKey):
        await keys.get(None)


async def test_asking_the_issuer_is_a_span_of_who_waited_for_it(issuer: Issuer, keys: SigningKeys) -> None:
    kept = Kept()
    with use_exporter(kept), record_call("call", SERVER, RequestContext()):
        await keys.get("first")
        await keys.get("first")
    told = {"http.request.method": "GET", "server.address": "127.0.0.1", "http.response.status_code": 200}
    assert [(each.name, each.kind, each.attributes) for each in kept.recordings[0].spans] == [("GET", CLIENT, told)] * 2
    assert issuer.asked == {"discovery": 1, "keys": 1}
