"""The credentials that settings ask for: a secret, a token, or what the URL holds."""

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import make_conninfo

from datasources.config import CacheSettings, PostgresSettings
from datasources.credentials.aws import cache_secret, database_secret, database_token
from datasources.credentials.cached import Credential, CredentialFault, Credentials
from datasources.errors import SourceUnavailable

# Seconds. A token serves 15 minutes; the rest is for clocks that differ and for connections that are slow.
TOKEN_SECONDS = 600.0


def of_database(name: str, settings: PostgresSettings) -> Credentials | None:
    """None if the URL says all. Fetches nothing yet."""
    fetch = _fetch(settings)
    if fetch is None:
        return None
    return Credentials(name, fetch, seconds=TOKEN_SECONDS if settings.secret is None else None)


def of_cache(settings: CacheSettings) -> Credentials | None:
    """None if the URL says all. Fetches nothing yet."""
    return None if settings.secret is None else Credentials("cache", cache_secret(settings.secret))


def complete(name: str, settings: PostgresSettings) -> str:
    """What libpq needs to connect once, password and all, for those that do without a pool. Blocks.

    SourceUnavailable, with the variable's name, if there are no credentials.
    """
    fetch = _fetch(settings)
    if fetch is None:
        return settings.url
    try:
        found = fetch()
    except CredentialFault as error:
        raise SourceUnavailable(name, str(error)) from error
    user = {} if found.user is None else {"user": found.user}
    return make_conninfo(settings.url, password=found.password, **user)


def _fetch(settings: PostgresSettings) -> Callable[[], Credential] | None:
    if settings.secret is not None:
        return database_secret(settings.secret)
    if settings.signing is None:
        return None
    parts = urlsplit(settings.url)
    return database_token(
        settings.signing.region, parts.hostname or "", parts.port or 5432, unquote(parts.username or "")
    )
