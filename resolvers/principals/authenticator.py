"""The way in: what is configured of tokens, API keys and the development principal, opened once."""

import httpx

from datasources.aurora.api_keys import api_key_by_hash
from datasources.aurora.database import Database
from datasources.records.api_keys import ApiKeyRecord
from resolvers.access import authenticate
from resolvers.principals.principal import Principal
from resolvers.principals.signing_keys import SigningKeys
from resolvers.principals.tokens import ClaimNames, TokenVerifier

# Seconds that the token issuer may take; its answer is kept for an hour.
ISSUER_TIMEOUT = 5.0


class Authenticator:
    """From an Authorization header to a principal, with the configured issuer and the keys of the main database."""

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
            self._client = httpx.AsyncClient(timeout=ISSUER_TIMEOUT)
            self._tokens = TokenVerifier(SigningKeys(self._client, issuer, jwks_url), issuer, audience, names)

    async def principal(self, authorization: str | None) -> Principal:
        """Who asks. AccessError, or SourceError when the lookup of a key fails."""
        return await authenticate(
            authorization, tokens=self._tokens, find_api_key=self._find, development=self._development
        )

    async def close(self) -> None:
        """Close the connections to the issuer."""
        if self._client is not None:
            await self._client.aclose()

    async def _find(self, key_hash: bytes) -> ApiKeyRecord | None:
        return await api_key_by_hash(self._main, key_hash)
