"""Load all settings from environment variables, once when a process starts, and check the rules across variables."""

import os
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from datasources.config import (
    BulkLoadSettings,
    CacheSettings,
    Generation,
    GraphSettings,
    LanguageProvider,
    LanguageSettings,
    ObservabilitySettings,
    PostgresSettings,
    QueueSettings,
    RequirementsSettings,
)
from settings.models import AccessSettings, Settings, StartSettings
from settings.variables import SettingsError, load, read, require_region

P = TypeVar("P", bound=PostgresSettings)

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Load the settings from environment variables. SettingsError names the first unusable variable."""
    return load(
        Settings,
        environment,
        main=_load_database(PostgresSettings, "DATABASE_URL", environment),
        requirements=_load_database(RequirementsSettings, "REQUIREMENTS_URL", environment),
        cache=_load_cache(environment),
        graph=_load_graph(environment),
        access=_load_access(environment),
        queues=_load_queues(environment),
        language=_load_language(environment),
        seen=_load_observability(environment),
    )


def load_start_settings(environment: Mapping[str, str] = os.environ) -> StartSettings:
    """Load only the start settings of Lambda; read during import, before the other settings are validated."""
    return load(StartSettings, environment)


def _load_database(kind: type[P], name: str, environment: Mapping[str, str]) -> P | None:
    """Load a database; None if it is an embedded store. SettingsError for conflicting credentials."""
    values = read(kind, environment)
    url, secret, signing = values.get("url"), values.get("secret"), values.get("signing")
    if url is None:
        if secret is not None:
            raise SettingsError(f"{name} is missing; set it to where the owner of {secret.variable} signs in")
        return None
    if secret is not None and signing is not None:
        raise SettingsError(f"{secret.variable} and DATABASE_IAM are both set; keep one of them")
    if secret is not None or signing is not None:
        _check_aws_authentication(name, url, "DATABASE_IAM" if secret is None else secret.variable)
    return kind(**values)


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


def _load_cache(environment: Mapping[str, str]) -> CacheSettings | None:
    """Load the cache; None if it is not set, with the URL None if it is off. A secret requires TLS."""
    values = read(CacheSettings, environment)
    if "url" not in values:
        if "secret" in values:
            raise SettingsError("REDIS_URL is missing; set it to the cache that REDIS_SECRET is of")
        return None
    cache = CacheSettings(**values)
    if cache.url is not None and cache.secret is not None:
        if urlsplit(cache.url).scheme != "rediss":
            raise SettingsError("REDIS_URL is without TLS; write rediss://, as REDIS_SECRET is set")
        if urlsplit(cache.url).password is not None:
            raise SettingsError("REDIS_URL holds a token and REDIS_SECRET is set; keep one of them")
    return cache


def _load_graph(environment: Mapping[str, str]) -> GraphSettings:
    graph = load(GraphSettings, environment, bulk=_load_bulk_loading(environment))
    if graph.reader_url is not None and graph.url is None:
        raise SettingsError("GRAPH_URL is missing; set it to the writer endpoint of GRAPH_READER_URL's cluster")
    return graph


def _load_bulk_loading(environment: Mapping[str, str]) -> BulkLoadSettings | None:
    values = read(BulkLoadSettings, environment)
    if not values:
        return None
    if not values.get("bucket", "").startswith("s3://"):
        raise SettingsError("GRAPH_LOADER_BUCKET is not usable; write it as s3://bucket/prefix")
    if "role" not in values:
        raise SettingsError("GRAPH_LOADER_ROLE is missing; set it to the ARN of the role that the loader reads by")
    return BulkLoadSettings(**values)


def _load_access(environment: Mapping[str, str]) -> AccessSettings:
    access = load(AccessSettings, environment)
    if access.issuer is not None and access.audience is None:
        raise SettingsError("OIDC_AUDIENCE is missing; set it to the audience that the issuer's tokens name")
    return access


def _load_queues(environment: Mapping[str, str]) -> QueueSettings:
    values = read(QueueSettings, environment)
    if not values.get("events", ".fifo").endswith(".fifo"):
        raise SettingsError("EVENTS_QUEUE_URL is no FIFO queue; events need their order: give one that ends in .fifo")
    if values.keys() - {"region"}:
        require_region(environment, "the queues, as a queue's URL is set")
    return QueueSettings(**values)


def _load_language(environment: Mapping[str, str]) -> LanguageSettings:
    language = load(LanguageSettings, environment)
    if language.provider is LanguageProvider.BEDROCK:
        require_region(environment, "Bedrock, as LANGUAGE is bedrock")
    if language.generation is Generation.RETRIEVE_AND_GENERATE and language.knowledge_base is None:
        raise SettingsError("KNOWLEDGE_BASE_ID is missing; BEDROCK_GENERATION=retrieve-and-generate needs it")
    _check_publication(language, environment)
    return language


def _check_publication(language: LanguageSettings, environment: Mapping[str, str]) -> None:
    if language.knowledge_bucket is None and language.knowledge_data_source is None:
        return
    if language.knowledge_bucket is None:
        raise SettingsError("KNOWLEDGE_BUCKET is missing; set it to what KNOWLEDGE_DATA_SOURCE_ID reads")
    if language.knowledge_data_source is None:
        raise SettingsError("KNOWLEDGE_DATA_SOURCE_ID is missing; set it to the data source of KNOWLEDGE_BUCKET")
    if language.knowledge_base is None:
        raise SettingsError("KNOWLEDGE_BASE_ID is missing; KNOWLEDGE_BUCKET is published for it")
    require_region(environment, "the knowledge base, as KNOWLEDGE_BUCKET is set")


def _load_observability(environment: Mapping[str, str]) -> ObservabilitySettings:
    seen = load(ObservabilitySettings, environment)
    parts = urlsplit(seen.collector)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise SettingsError("OTEL_EXPORTER_OTLP_ENDPOINT is without TLS and not on this machine; write https://")
    return seen
