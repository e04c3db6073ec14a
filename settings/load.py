"""Load all settings from environment variables, once when a process starts."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from datasources.config import JarSettings, ObservabilitySettings, TraceExporter
from settings import parsers, stores
from settings.models import AccessSettings, LimitSettings, ServerSettings, Settings, StartSettings
from settings.parsers import SettingsError

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Load the settings from environment variables. SettingsError names the first unusable variable."""
    return Settings(
        main=stores.load_postgres(environment, "DATABASE_URL", "DATABASE_SECRET"),
        requirements=stores.load_postgres(environment, "REQUIREMENTS_URL", "REQUIREMENTS_SECRET"),
        cache=stores.load_cache(environment),
        graph=stores.load_graph(environment),
        access=_load_access(environment),
        limits=LimitSettings(
            request_timeout=parsers.parse_number(
                environment, "REQUEST_TIMEOUT_SECONDS", 10.0, minimum=0.1, maximum=300
            ),
            body_bytes=int(
                parsers.parse_number(environment, "REQUEST_BODY_BYTES", 1_048_576, minimum=1_024, maximum=10_485_760)
            ),
            depth=int(parsers.parse_number(environment, "LIMIT_DEPTH", 16, minimum=1, maximum=100)),
            aliases=int(parsers.parse_number(environment, "LIMIT_ALIASES", 60, minimum=1, maximum=10_000)),
            tokens=int(parsers.parse_number(environment, "LIMIT_TOKENS", 4_000, minimum=10, maximum=100_000)),
            directives=int(parsers.parse_number(environment, "LIMIT_DIRECTIVES", 50, minimum=0, maximum=10_000)),
            cost=int(parsers.parse_number(environment, "LIMIT_COST", 150_000, minimum=1, maximum=1e9)),
            page=int(parsers.parse_number(environment, "LIMIT_PAGE", 500, minimum=1, maximum=10_000)),
            streams=int(parsers.parse_number(environment, "STREAMS", 1_000, minimum=0, maximum=100_000)),
        ),
        server=ServerSettings(
            host=environment.get("STACKFLOW_HOST") or "127.0.0.1",
            port=int(parsers.parse_number(environment, "STACKFLOW_PORT", 8000, minimum=0, maximum=65535)),
            state=Path(environment.get("STACKFLOW_STATE") or ".stackflow"),
        ),
        jars=JarSettings(
            repository=parsers.parse_url(environment, "MAVEN_REPOSITORY_URL", ("https", "http")),
            cache=Path(environment.get("XDG_CACHE_HOME") or "~/.cache") / "stackflow" / "jars",
        ),
        queues=stores.load_queues(environment),
        log_level=_load_log_level(environment),
        seen=_load_observability(environment),
        start=load_start_settings(environment),
        projection=parsers.parse_switch(environment, "PROJECTION", default=True),
        alerts_mapping=Path(text) if (text := environment.get("ALERTS_MAPPING", "")) else None,
        consistency_seconds=parsers.parse_number(environment, "CONSISTENCY_SECONDS", 300.0, minimum=0, maximum=86_400),
        database_role=stores.load_role(environment),
    )


def load_start_settings(environment: Mapping[str, str] = os.environ) -> StartSettings:
    """Load only the start settings of Lambda; read during import, before the other settings are validated."""
    return StartSettings(
        module=environment.get("_HANDLER", "").rpartition(".")[0],
        snapshot=environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start",
    )


def _load_log_level(environment: Mapping[str, str]) -> str:
    text = environment.get("STACKFLOW_LOG_LEVEL") or "INFO"
    if text.upper() not in LOG_LEVELS:
        raise SettingsError(f"STACKFLOW_LOG_LEVEL is {text!r}; write one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def _load_observability(environment: Mapping[str, str]) -> ObservabilitySettings:
    metrics = environment.get("STACKFLOW_METRICS") or "off"
    if metrics not in {"emf", "off"}:
        raise SettingsError(f"STACKFLOW_METRICS is {metrics!r}; write emf or off")
    return ObservabilitySettings(
        environment=environment.get("STACKFLOW_ENVIRONMENT") or "local",
        metrics=metrics == "emf",
        function=environment.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        version=environment.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
        traces=parsers.parse_choice(environment, "STACKFLOW_TRACES", TraceExporter, TraceExporter.OFF),
        daemon=_load_xray_daemon(environment),
        collector=_load_otlp_endpoint(environment),
    )


def _load_xray_daemon(environment: Mapping[str, str]) -> str:
    text = environment.get("AWS_XRAY_DAEMON_ADDRESS") or "127.0.0.1:2000"
    if not re.fullmatch(r"[\w.-]+:\d{1,5}", text):
        raise SettingsError(f"AWS_XRAY_DAEMON_ADDRESS is {text!r}; write it as host:port")
    return text


def _load_otlp_endpoint(environment: Mapping[str, str]) -> str:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    url = parsers.parse_url(environment, name, ("https", "http")) or "http://127.0.0.1:4318"
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise SettingsError(f"{name} is without TLS and not on this machine; write https://")
    return url


def _load_access(environment: Mapping[str, str]) -> AccessSettings:
    issuer = parsers.parse_url(environment, "OIDC_ISSUER", ("https", "http"))
    audience = environment.get("OIDC_AUDIENCE") or None
    if issuer is not None and audience is None:
        raise SettingsError("OIDC_AUDIENCE is missing; set it to the audience that the issuer's tokens name")
    return AccessSettings(
        issuer=issuer,
        audience=audience,
        jwks_url=parsers.parse_url(environment, "OIDC_JWKS_URL", ("https", "http")),
        permissions_claim=environment.get("OIDC_PERMISSIONS_CLAIM") or "permissions",
        teams_claim=environment.get("OIDC_TEAMS_CLAIM") or "teams",
        permissions_prefix=environment.get("OIDC_PERMISSIONS_PREFIX") or "",
    )
