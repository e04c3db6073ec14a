"""The credentials according to the settings: a secret, a token, or the contents of the URL."""

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import make_conninfo

from datasources.config import CacheSettings, PostgresSettings
from datasources.credentials.aws import cache_secret_fetcher, database_secret_fetcher, database_token_fetcher
from datasources.credentials.cached import Credential, CredentialCache, CredentialsUnavailable
from datasources.errors import SourceUnavailable

# Seconds. A token is valid for 15 minutes; the margin allows for clock differences and slow connections.
TOKEN_SECONDS = 600.0


def database_credentials(name: str, settings: PostgresSettings) -> CredentialCache | None:
    """Return the credentials of a database, without fetching them; None if the URL contains them."""
    fetch = _fetch(settings)
    if fetch is None:
        return None
    return CredentialCache(name, fetch, seconds=TOKEN_SECONDS if settings.secret is None else None)


def cache_credentials(settings: CacheSettings) -> CredentialCache | None:
    """Return the credentials of the cache, without fetching them; None if the URL contains them."""
    return None if settings.secret is None else CredentialCache("cache", cache_secret_fetcher(settings.secret))


def resolve_conninfo(name: str, settings: PostgresSettings) -> str:
    """Return the libpq connection string with its password, for a connection without a pool. Blocks.

    Raise SourceUnavailable, naming the variable, if there are no credentials.
    """
    fetch = _fetch(settings)
    if fetch is None:
        return settings.url
    try:
        credential = fetch()
    except CredentialsUnavailable as error:
        raise SourceUnavailable(name, str(error)) from error
    user = {} if credential.user is None else {"user": credential.user}
    return make_conninfo(settings.url, password=credential.password, **user)


def _fetch(settings: PostgresSettings) -> Callable[[], Credential] | None:
    if settings.secret is not None:
        return database_secret_fetcher(settings.secret)
    if settings.signing is None:
        return None
    parts = urlsplit(settings.url)
    return database_token_fetcher(
        settings.signing.region, parts.hostname or "", parts.port or 5432, unquote(parts.username or "")
    )
