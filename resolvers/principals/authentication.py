"""Authentication: resolve an Authorization header to a principal. Denies by default."""

from collections.abc import Awaitable, Callable

import httpx

from datasources.aurora.driver.database import Database
from datasources.aurora.principals.api_keys import api_key_by_hash
from datasources.records.api_keys import ApiKeyRecord
from datasources.request import current_request
from resolvers.principals.api_keys import KEY_PREFIX, hash_of, principal_of
from resolvers.principals.errors import MalformedCredentials, MissingCredentials, TokensNotAccepted, UnknownApiKey
from resolvers.principals.principal import Principal
from resolvers.principals.signing_keys import SigningKeys
from resolvers.principals.tokens import ClaimNames, TokenVerifier

# Timeout of requests to the token issuer; its response is cached for an hour.
ISSUER_TIMEOUT_SECONDS = 5.0

FindApiKey = Callable[[bytes], Awaitable[ApiKeyRecord | None]]


async def authenticate(
    authorization: str | None,
    *,
    tokens: TokenVerifier | None,
    find_api_key: FindApiKey,
    development: Principal | None,
) -> Principal:
    """Return the principal of an Authorization header.

    Without a header it is `development`, which exists only if `development_principal` returns one. Invalid credentials
    are refused even then. Raises AccessError, and SourceError from the lookup of a key.
    """
    if authorization is None:
        if development is None:
            raise MissingCredentials
        return development
    scheme, _, credential = authorization.strip().partition(" ")
    credential = credential.strip()
    # Schemes are case-insensitive: RFC 9110, section 11.1.
    if scheme.lower() != "bearer" or not credential or not credential.isascii():
        raise MalformedCredentials
    if credential.startswith(KEY_PREFIX):
        return await _by_api_key(credential, find_api_key)
    if tokens is None:
        raise TokensNotAccepted
    return await tokens.verify(credential)


async def _by_api_key(text: str, find_api_key: FindApiKey) -> Principal:
    key_hash = hash_of(text)
    record = None if key_hash is None else await find_api_key(key_hash)
    if record is None:
        raise UnknownApiKey
    return principal_of(record)


class Authenticator:
    """Resolves Authorization headers to principals, with the configured issuer and the keys of the main database."""

    def __init__(
        self,
        main: Database,
        *,
        issuer: str | None = None,
        audience: str | None = None,
        jwks_url: str | None = None,
        names: ClaimNames | None = None,
        development: Principal | None = None,
    ) -> None:
        self._main = main
        self._development = development
        self._client: httpx.AsyncClient | None = None
        self._tokens: TokenVerifier | None = None
        if issuer is not None and audience is not None:
            self._client = httpx.AsyncClient(timeout=ISSUER_TIMEOUT_SECONDS)
            self._tokens = TokenVerifier(SigningKeys(self._client, issuer, jwks_url), issuer, audience, names)

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return the principal and make the current request part of its flow.

        Raises AccessError, and SourceError if the lookup of a key fails.
        """
        principal = await authenticate(
            authorization, tokens=self._tokens, find_api_key=self._find, development=self._development
        )
        current_request().flow = f"{principal.kind}:{principal.subject}"
        return principal

    async def close(self) -> None:
        """Close the connections to the issuer."""
        if self._client is not None:
            await self._client.aclose()

    async def _find(self, key_hash: bytes) -> ApiKeyRecord | None:
        return await api_key_by_hash(self._main, key_hash)
