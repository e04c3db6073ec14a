"""The issuer's public keys: fetched from its JWKS, cached, and fetched again when a key is unknown."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import httpx
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from datasources.observability.spans import CLIENT, record_span
from resolvers.principals.errors import IssuerUnavailable, UnknownSigningKey

SigningKey = RSAKey | ECKey | OKPKey


class ProviderMetadata(msgspec.Struct, frozen=True):
    """The parts of an OpenID provider's configuration that are used here."""

    issuer: str
    jwks_uri: str


class KeySet(msgspec.Struct, frozen=True):
    """A JWKS with unparsed keys."""

    keys: list[dict[str, Any]]


class SigningKeys:
    """Keys by key id. All times in seconds.

    Keys older than `max_age` are fetched again; while the issuer is unavailable they are used up to `max_stale`. An
    unknown key id causes a fetch, but at most one in `interval`, so that invented ids do not overload the issuer.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        issuer: str,
        jwks_url: str | None = None,
        *,
        max_age: float = 3_600.0,
        max_stale: float = 86_400.0,
        interval: float = 15.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._max_age = max_age
        self._max_stale = max_stale
        self._interval = interval
        self._clock = clock
        self._keys: Mapping[str | None, SigningKey] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching = asyncio.Lock()

    async def get(self, key_id: str | None) -> SigningKey:
        """Return the key with this id; None is the id of the only key of an issuer without key ids.

        Raises UnknownSigningKey if the issuer does not publish it, and IssuerUnavailable if the issuer does not answer.
        """
        # While one request fetches, the others use the cached keys.
        limit = self._max_stale if self._fetching.locked() else self._max_age
        if key_id in self._keys and self._younger_than(limit):
            return self._keys[key_id]
        async with self._fetching:
            if not (key_id in self._keys and self._younger_than(self._max_age)) and self._may_fetch():
                await self._fetch()
        if not self._younger_than(self._max_stale):
            raise IssuerUnavailable
        if key_id not in self._keys:
            raise UnknownSigningKey
        return self._keys[key_id]

    def _younger_than(self, seconds: float) -> bool:
        return self._fetched_at is not None and self._clock() - self._fetched_at < seconds

    def _may_fetch(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= self._interval

    async def _fetch(self) -> None:
        try:
            url = self._jwks_url or await self._discover()
            key_set = msgspec.json.decode(await self._read(url), type=KeySet)
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # The cached keys remain in use. A cancelled fetch does not reach this line and does not count as an
            # attempt.
            self._tried_at = self._clock()
            return
        self._keys = _parse_keys(key_set.keys)
        self._fetched_at = self._tried_at = self._clock()

    async def _discover(self) -> str:
        url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        metadata = msgspec.json.decode(await self._read(url), type=ProviderMetadata)
        # OpenID Connect Discovery 1.0, section 4.3: the issuer in the document must be the requested one.
        if metadata.issuer != self._issuer:
            raise msgspec.ValidationError("the discovery document names another issuer")
        if self._issuer.startswith("https:") and not metadata.jwks_uri.startswith("https:"):
            raise msgspec.ValidationError("the discovery document names keys without TLS")
        return metadata.jwks_uri

    async def _read(self, url: str) -> bytes:
        with record_span("GET", CLIENT) as span:
            span.set_attribute("http.request.method", "GET")
            span.set_attribute("server.address", httpx.URL(url).host)
            response = await self._client.get(url, follow_redirects=False)
            span.set_attribute("http.response.status_code", response.status_code)
            response.raise_for_status()
        return response.content


def _parse_keys(entries: list[dict[str, Any]]) -> Mapping[str | None, SigningKey]:
    keys: dict[str | None, SigningKey] = {}
    for entry in entries:
        if entry.get("use", "sig") != "sig":
            continue
        key_id = entry.get("kid")
        if key_id is not None and not isinstance(key_id, str):
            continue
        try:
            key = import_key(entry)
        except (JoseError, ValueError, KeyError, TypeError):
            # This library does not support the key; the issuer's other keys remain usable.
            continue
        # Never a symmetric key: published in a JWKS, it would let anyone sign.
        if isinstance(key, SigningKey):
            keys[key_id] = key
    if len(keys) == 1:
        keys[None] = next(iter(keys.values()))
    else:
        keys.pop(None, None)
    return keys
