"""Who may call: from an Authorization header to a principal. Deny by default."""

from collections.abc import Awaitable, Callable

from datasources.records.api_keys import ApiKeyRecord
from resolvers.principals.api_keys import PREFIX, hash_of, principal_of
from resolvers.principals.errors import MalformedCredentials, MissingCredentials, TokensNotAccepted, UnknownApiKey
from resolvers.principals.principal import Principal
from resolvers.principals.tokens import TokenVerifier

FindApiKey = Callable[[bytes], Awaitable[ApiKeyRecord | None]]


async def authenticate(
    authorization: str | None,
    *,
    tokens: TokenVerifier | None,
    find_api_key: FindApiKey,
    development: Principal | None,
) -> Principal:
    """The principal that an Authorization header proves.

    Without a header it is `development`, which exists only where `development_principal` says so. A header
    that proves nobody is refused also there. Errors: AccessError, and SourceError from the lookup of a key.
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
    if credential.startswith(PREFIX):
        return await _by_api_key(credential, find_api_key)
    if tokens is None:
        raise TokensNotAccepted
    return await tokens.principal(credential)


async def _by_api_key(text: str, find_api_key: FindApiKey) -> Principal:
    key_hash = hash_of(text)
    record = None if key_hash is None else await find_api_key(key_hash)
    if record is None:
        raise UnknownApiKey
    return principal_of(record)
