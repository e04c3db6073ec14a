"""What a source needs to be opened: addresses, bounds and times."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """One PostgreSQL. All times in seconds.

    `url` is a libpq URL; TLS is asked for in it (`sslmode=verify-full&sslrootcert=...`). `pool_max` is at most
    10. `prepare` allows server-side prepared statements, which pin sessions behind RDS Proxy.
    """

    url: str
    pool_max: int = 10
    connect_timeout: float = 5.0
    pool_timeout: float = 5.0
    statement_timeout: float = 10.0
    prepare: bool = False


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Redis or Valkey; `url` None means no cache. `rediss://` is TLS. All times in seconds."""

    url: str | None
    ca_file: str | None = None
    timeout: float = 0.25
    ttl: float = 60.0
    lease: float = 2.0
    breaker_after: int = 3
    breaker_pause: float = 5.0


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """Where walks run: `url` None means recursive SQL over the main database."""

    url: str | None = None
