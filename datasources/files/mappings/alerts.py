"""The mapping file of alerts, in YAML 1.2: templates from labels to identification keys, and severities."""

import re
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from datasources.files.formats.yaml_documents import parse_yaml

DEFAULT_PATH = Path(str(resources.files("datasources.files.mappings"))) / "alerts.yaml"

# A label in braces and nothing else. A name with other than the classic characters is quoted, as in PromQL.
# https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels, https://prometheus.io/docs/guides/utf8/
LABEL_PATTERN = re.compile(r'\{\{\s*(?:([a-zA-Z_][a-zA-Z0-9_]*)|"((?:[^"\\]|\\["\\])+)")(\.host)?\s*\}\}')

Template = Annotated[str, Meta(min_length=1, max_length=400)]
Level = Annotated[int, Meta(ge=1, le=5)]


class AlertMappingError(Exception):
    """A mapping of alerts cannot be used. The message names the file and the place, and the remedy."""


class ItemTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """An identification key, as texts that contain labels."""

    source: Template
    key: Template


class SeverityLevel(Struct, frozen=True, forbid_unknown_fields=True):
    """Impact and urgency, each from 1, the highest, to 5."""

    impact: Level
    urgency: Level


class Severity(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The label that contains the severity of an alert, and the meaning of its values."""

    label: str = "severity"
    levels: dict[str, SeverityLevel] = {}
    otherwise: SeverityLevel = SeverityLevel(3, 3)


class AlertMapping(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Templates in the order in which they are tried, and severities."""

    items: Annotated[tuple[ItemTemplate, ...], Meta(max_length=50)]
    severity: Severity = Severity()


def parse_label(match: re.Match[str]) -> tuple[str, bool]:
    """Return the label that a match of LABEL_PATTERN names, and whether to leave out its port."""
    plain, quoted, host = match.groups()
    return plain or re.sub(r"\\(.)", r"\1", quoted), host is not None


def load_alert_mapping(path: Path = DEFAULT_PATH) -> AlertMapping:
    """Load the mapping from a file. Raise AlertMappingError if it cannot be used."""
    try:
        document = parse_yaml(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise AlertMappingError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise AlertMappingError(f"{path}: {error}") from error
    try:
        mapping = msgspec.convert(document, AlertMapping)
    except msgspec.ValidationError as error:
        raise AlertMappingError(f"{path}: {error}") from error
    for each in mapping.items:
        for template in (each.source, each.key):
            if re.search(r"[{}]", LABEL_PATTERN.sub("", template)):
                raise AlertMappingError(
                    f"{path}: {template!r} is no template; write labels as {{{{service}}}} or {{{{instance.host}}}}, "
                    'and names with other characters in quotes: {{"service.name"}} or {{"host.name".host}}'
                )
    return mapping
