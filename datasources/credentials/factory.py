"""The credentials that settings ask for: a secret, a token, or what the URL holds."""

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import make_conninfo

from datasources.config import CacheSettings, PostgresSettings
from datasources.credentials.aws import cache_secret_fetcher, database_secret_fetcher, database_token_fetcher
from datasources.credentials.cached import Credential, CredentialCache, CredentialsUnavailable
from datasources.errors import SourceUnavailable

# Seconds. A token serves 15 minutes; the rest is for clocks that differ and for connections that are slow.
TOKEN_SECONDS = 600.0


def database_credentials(name: str, settings: PostgresSettings) -> CredentialCache | None:
    """None if the URL says all. Fetches nothing yet."""
    fetch = _fetch(settings)
    if fetch is None:
        return None
    return CredentialCache(name, fetch, seconds=TOKEN_SECONDS if settings.secret is None else None)


def cache_credentials(settings: CacheSettings) -> CredentialCache | None:
    """None if the URL says all. Fetches nothing yet."""
    return None if settings.secret is None else CredentialCache("cache", cache_secret_fetcher(settings.secret))


def resolve_conninfo(name: str, settings: PostgresSettings) -> str:
    """What libpq needs to connect once, password and all, for those that do without a pool. Blocks.

    SourceUnavailable, with the variable's name, if there are no credentials.
    """
    fetch = _fetch(settings)
    if fetch is None:
        return settings.url
    try:
        found = fetch()
    except CredentialsUnavailable as error:
        raise SourceUnavailable(name, str(error)) from error
    user = {} if found.user is None else {"user": found.user}
    return make_conninfo(settings.url, password=found.password, **user)


def _fetch(settings: PostgresSettings) -> Callable[[], Credential] | None:
    if settings.secret is not None:
        return database_secret_fetcher(settings.secret)
    if settings.signing is None:
        return None
    parts = urlsplit(settings.url)
    return database_token_fetcher(
        settings.signing.region, parts.hostname or "", parts.port or 5432, unquote(parts.username or "")
    )
