"""Load the settings of stores and queues: addresses, credentials, pool sizes and timeouts."""

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from datasources.config import (
    BulkLoadSettings,
    CacheSettings,
    GraphEngine,
    GraphSettings,
    PostgresSettings,
    QueueSettings,
    ReachStrategy,
    SigV4Signing,
)
from settings import parsers
from settings.parsers import SettingsError

# Only names that mean the same with and without quotes.
ROLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def load_postgres(environment: Mapping[str, str], name: str, secret_name: str) -> PostgresSettings | None:
    """Load a database; None if it is an embedded store. SettingsError for conflicting credentials."""
    url = parsers.parse_url(environment, name, ("postgresql", "postgres"))
    secret = parsers.parse_secret(environment, secret_name)
    region = (
        parsers.require_region(environment, "the databases, as DATABASE_IAM is on") if _is_iam_on(environment) else None
    )
    if url is None:
        if secret is not None:
            raise SettingsError(f"{name} is missing; set it to where the owner of {secret_name} signs in")
        return None
    if secret is not None and region is not None:
        raise SettingsError(f"{secret_name} and DATABASE_IAM are both set; keep one of them")
    if secret is not None or region is not None:
        _check_aws_authentication(name, url, secret_name if region is None else "DATABASE_IAM")
    return PostgresSettings(
        url=url,
        pool_max=int(parsers.parse_number(environment, "DATABASE_POOL_MAX", 10, minimum=1, maximum=10)),
        connect_timeout=parsers.parse_number(
            environment, "DATABASE_CONNECT_TIMEOUT_SECONDS", 5.0, minimum=0.1, maximum=60
        ),
        pool_timeout=parsers.parse_number(environment, "DATABASE_POOL_TIMEOUT_SECONDS", 5.0, minimum=0.1, maximum=60),
        statement_timeout=parsers.parse_number(
            environment, "DATABASE_STATEMENT_TIMEOUT_SECONDS", 10.0, minimum=0.1, maximum=900
        ),
        prepare=parsers.parse_switch(environment, "DATABASE_PREPARE", default=False),
        secret=secret,
        signing=None if region is None else SigV4Signing(region),
    )


def load_role(environment: Mapping[str, str]) -> str | None:
    """Load the role that migrations create for the service; None if they create none."""
    text = environment.get("DATABASE_ROLE") or None
    if text is not None and not ROLE_NAME.fullmatch(text):
        raise SettingsError(f"DATABASE_ROLE is {text!r}; write small letters, digits and _, at most 63")
    return text


def _is_iam_on(environment: Mapping[str, str]) -> bool:
    return parsers.parse_switch(environment, "DATABASE_IAM", default=False)


def _check_aws_authentication(name: str, url: str, method: str) -> None:
    parts = urlsplit(url)
    parameters = dict(parse_qsl(parts.query))
    if parts.password is not None or "password" in parameters:
        raise SettingsError(f"{name} holds a password and {method} is set; keep one of them")
    # The server receives the token in clear text, so it must be verified.
    if parameters.get("sslmode") != "verify-full":
        raise SettingsError(f"{name} does not verify the server; {method} needs sslmode=verify-full and sslrootcert")
    if method == "DATABASE_IAM" and not (parts.username and parts.hostname):
        raise SettingsError(
            f"{name} names no user at a host; write it as postgresql://user@host/..., as {method} is set"
        )


def load_cache(environment: Mapping[str, str]) -> CacheSettings | None:
    """Load the cache; None if it is not set, with the URL None if it is off. A secret requires TLS."""
    text = environment.get("REDIS_URL", "")
    secret = parsers.parse_secret(environment, "REDIS_SECRET")
    if not text:
        if secret is not None:
            raise SettingsError("REDIS_URL is missing; set it to the cache that REDIS_SECRET is of")
        return None
    url = (
        None
        if text == "off"
        else parsers.parse_url(environment, "REDIS_URL", ("redis", "rediss"), alternatives=", or 'off'")
    )
    if url is not None and secret is not None:
        if urlsplit(url).scheme != "rediss":
            raise SettingsError("REDIS_URL is without TLS; write rediss://, as REDIS_SECRET is set")
        if urlsplit(url).password is not None:
            raise SettingsError("REDIS_URL holds a token and REDIS_SECRET is set; keep one of them")
    return CacheSettings(
        url=url,
        secret=secret,
        ca_file=environment.get("REDIS_CA_FILE") or None,
        timeout=parsers.parse_number(environment, "REDIS_TIMEOUT_SECONDS", 0.25, minimum=0.01, maximum=10),
        ttl=parsers.parse_number(environment, "REDIS_TTL_SECONDS", 60.0, minimum=1, maximum=86_400),
        lease=parsers.parse_number(environment, "REDIS_LEASE_SECONDS", 2.0, minimum=0.1, maximum=60),
    )


def load_graph(environment: Mapping[str, str]) -> GraphSettings:
    """Load the graph store: recursive SQL unless an engine is configured."""
    url = parsers.parse_url(environment, "GRAPH_URL", ("ws", "wss"))
    reader_url = parsers.parse_url(environment, "GRAPH_READER_URL", ("ws", "wss"))
    if reader_url is not None and url is None:
        raise SettingsError("GRAPH_URL is missing; set it to the writer endpoint of GRAPH_READER_URL's cluster")
    return GraphSettings(
        url=url,
        reader_url=reader_url,
        engine=parsers.parse_choice(environment, "GRAPH", GraphEngine, GraphEngine.SQL),
        signing=_load_signing(environment),
        ca_file=environment.get("GRAPH_CA_FILE") or None,
        pool_max=int(parsers.parse_number(environment, "GRAPH_POOL_MAX", 4, minimum=1, maximum=64)),
        connect_timeout=parsers.parse_number(
            environment, "GRAPH_CONNECT_TIMEOUT_SECONDS", 5.0, minimum=0.1, maximum=60
        ),
        timeout=parsers.parse_number(environment, "GRAPH_TIMEOUT_SECONDS", 30.0, minimum=0.1, maximum=900),
        socket_seconds=parsers.parse_number(environment, "GRAPH_SOCKET_SECONDS", 3_600.0, minimum=1, maximum=864_000),
        message_bytes=int(
            parsers.parse_number(environment, "GRAPH_MESSAGE_BYTES", 33_554_432, minimum=65_536, maximum=157_286_400)
        ),
        attempts=int(parsers.parse_number(environment, "GRAPH_ATTEMPTS", 8, minimum=1, maximum=100)),
        hops=parsers.parse_choice(environment, "GRAPH_HOPS", ReachStrategy, ReachStrategy.TRAVERSAL),
        edge_ids=parsers.parse_switch(environment, "GRAPH_EDGE_IDS", default=True),
        fallback=parsers.parse_switch(environment, "GRAPH_FALLBACK", default=True),
        bulk=_load_bulk_loading(environment),
    )


def _load_signing(environment: Mapping[str, str]) -> SigV4Signing | None:
    if not parsers.parse_switch(environment, "GRAPH_IAM", default=False):
        return None
    return SigV4Signing(parsers.require_region(environment, "the cluster, as GRAPH_IAM is on"))


def load_queues(environment: Mapping[str, str]) -> QueueSettings:
    """Load the queues in SQS; queues without a URL are tables."""
    https = ("https", "http")
    queues = QueueSettings(
        events=parsers.parse_url(environment, "EVENTS_QUEUE_URL", https),
        remediation_p1=parsers.parse_url(environment, "REMEDIATION_P1_QUEUE_URL", https),
        remediation_standard=parsers.parse_url(environment, "REMEDIATION_STANDARD_QUEUE_URL", https),
        notifications=parsers.parse_url(environment, "NOTIFICATIONS_QUEUE_URL", https),
    )
    if queues.events is not None and not queues.events.endswith(".fifo"):
        raise SettingsError("EVENTS_QUEUE_URL is no FIFO queue; events need their order: give one that ends in .fifo")
    if queues == QueueSettings():
        return queues
    return replace(queues, region=parsers.require_region(environment, "the queues, as a queue's URL is set"))


def _load_bulk_loading(environment: Mapping[str, str]) -> BulkLoadSettings | None:
    bucket = environment.get("GRAPH_LOADER_BUCKET") or None
    role = environment.get("GRAPH_LOADER_ROLE") or None
    if bucket is None and role is None:
        return None
    if bucket is None or not bucket.startswith("s3://"):
        raise SettingsError("GRAPH_LOADER_BUCKET is not usable; write it as s3://bucket/prefix")
    if role is None:
        raise SettingsError("GRAPH_LOADER_ROLE is missing; set it to the ARN of the role that the loader reads by")
    return BulkLoadSettings(bucket, role)
