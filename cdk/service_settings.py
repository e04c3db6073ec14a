"""Validates the service settings in `[functions.settings]` of an environment file by the service's own rules."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import settings
from cdk.bundle import ROOT, sources
from cdk.keys import OPEN_MARK

Value = str | int | float | bool

LAMBDA = "Lambda sets it"
TEMPLATE = "the template sets it"
SERVE = "only `stackflow serve` reads it"
REBUILD = "only `stackflow graph rebuild` reads it, which people run"

# Settings that an environment file must not set, with the reason or the alternative. All others are allowed.
FORBIDDEN_SETTINGS: Mapping[str, str] = {
    **dict.fromkeys(("DATABASE_URL", "REQUIREMENTS_URL", "DATABASE_SECRET", "REQUIREMENTS_SECRET"),
                    f"{TEMPLATE} from [aurora]"),
    "DATABASE_IAM": TEMPLATE,
    "DATABASE_ROLE": TEMPLATE,
    "DATABASE_POOL_MAX": f"{TEMPLATE} from functions.connections",
    "DATABASE_STATEMENT_TIMEOUT_SECONDS": f"{TEMPLATE} from functions.gateway_seconds",
    "REQUEST_TIMEOUT_SECONDS": f"{TEMPLATE} from functions.gateway_seconds",
    **dict.fromkeys(("REDIS_URL", "REDIS_SECRET"), f"{TEMPLATE} from [redis]"),
    **dict.fromkeys(("GRAPH_URL", "GRAPH_READER_URL"), f"{TEMPLATE} from [neptune]"),
    "GRAPH": "GRAPH_URL names the graph",
    "GRAPH_IAM": TEMPLATE,
    **dict.fromkeys(("GRAPH_LOADER_BUCKET", "GRAPH_LOADER_ROLE"), REBUILD),
    **dict.fromkeys(
        ("EVENTS_QUEUE_URL", "REMEDIATION_P1_QUEUE_URL", "REMEDIATION_STANDARD_QUEUE_URL", "NOTIFICATIONS_QUEUE_URL"),
        f"{TEMPLATE} from [queues]",
    ),
    **dict.fromkeys(("LANGUAGE", "BEDROCK_PROFILES"), f"{TEMPLATE} from models.allowed"),
    "AI_USD_A_DAY": f"{TEMPLATE} from models.usd_a_day",
    **dict.fromkeys(("KNOWLEDGE_BASE_ID", "KNOWLEDGE_BUCKET", "KNOWLEDGE_DATA_SOURCE_ID"),
                    f"{TEMPLATE} from [knowledge]"),
    "OIDC_ISSUER": "write access.issuer",
    "OIDC_AUDIENCE": "write access.audience",
    **dict.fromkeys(("STACKFLOW_METRICS", "STACKFLOW_TRACES", "STACKFLOW_ENVIRONMENT"), TEMPLATE),
    **dict.fromkeys(("CONSISTENCY_SECONDS", "MAVEN_REPOSITORY_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "PROJECTION",
                     "STACKFLOW_HOST", "STACKFLOW_PORT", "STACKFLOW_STATE", "STREAMS", "XDG_CACHE_HOME"), SERVE),
    **dict.fromkeys(("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
                     "AWS_REGION", "AWS_XRAY_DAEMON_ADDRESS", "_HANDLER"), LAMBDA),
}  # fmt: skip
# Files that functions open: paths within the bundle, which is their working directory.
FILE_SETTINGS = ("AI_MODELS", "ALERTS_MAPPING", "GRAPH_CA_FILE", "REDIS_CA_FILE")
# Variables that let every setting be read.
SAMPLE_VARIABLES: Mapping[str, str] = {
    "AWS_REGION": "us-east-1",
    "DATABASE_URL": "postgresql://host/main",
    "GRAPH_IAM": "on",
    "KNOWLEDGE_BASE_ID": "SAMPLE0000",
    "LANGUAGE": "bedrock",
    "REDIS_URL": "off",
    "REQUIREMENTS_URL": "postgresql://host/requirements",
}


class Recorder(dict[str, str]):
    """Variables that record which names are read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(variables)
        self.names: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """Return the value as a dictionary does, and record the name."""
        self.names.add(key)
        return super().get(key, default)


def as_variables(values: Mapping[str, Value]) -> dict[str, str]:
    """Return TOML values as the text of environment variables."""
    return {name: _text(value) for name, value in values.items()}


def find_faults(values: Mapping[str, Value]) -> Iterator[str]:
    """Yield the faults, each with its key and the remedy."""
    allowed = setting_names() - FORBIDDEN_SETTINGS.keys()
    for name, value in as_variables(values).items():
        key = f"functions.settings.{name}"
        if name in FORBIDDEN_SETTINGS:
            yield f"{key}: {FORBIDDEN_SETTINGS[name]}; remove it"
        elif name not in allowed:
            meant = next(iter(get_close_matches(name, allowed, 1)), None)
            yield f"{key}: no setting of the service (docs/settings.md); remove it" + (
                f", or write {meant} if that is meant" if meant else ""
            )
        elif value == OPEN_MARK:
            yield f"{key}: may not be left open; write its value or remove it"
        elif name in FILE_SETTINGS and ROOT / value not in sources():
            yield f"{key}: {value} is no file of the bundle; put it there: certificates/ or datasources/files/"
        else:
            try:
                settings.load_settings({**SAMPLE_VARIABLES, name: value})
            except settings.SettingsError as error:
                yield f"{key}: {error}"


def setting_names() -> set[str]:
    """Return the names of all settings, as the service reads them."""
    recorder = Recorder(SAMPLE_VARIABLES)
    settings.load_settings(recorder)
    return recorder.names


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
