"""Map alert labels to identification keys of configuration items, and to impact and urgency."""

from collections.abc import Mapping

from datasources.files.mappings.alerts import LABEL_PATTERN, AlertMapping, ItemTemplate, SeverityLevel, parse_label
from resolvers.events.handlers.landscape_types import Key

# In characters; the same bounds as for identification keys in events.
MAX_SOURCE_LENGTH = 200
MAX_KEY_LENGTH = 450


def map_items(mapping: AlertMapping, labels: Mapping[str, str]) -> tuple[Key, ...]:
    """Return distinct identification keys in the order of the mapping.

    A template is skipped if a label is missing or empty, or if the key would be too long.
    """
    keys = (_fill_template(template, labels) for template in mapping.items)
    return tuple(dict.fromkeys(key for key in keys if key is not None))


def map_severity(mapping: AlertMapping, labels: Mapping[str, str]) -> SeverityLevel:
    """Return impact and urgency for the severity label, or the default of the mapping."""
    levels = {name.lower(): level for name, level in mapping.severity.levels.items()}
    return levels.get(labels.get(mapping.severity.label, "").lower(), mapping.severity.otherwise)


def _fill_template(template: ItemTemplate, labels: Mapping[str, str]) -> Key | None:
    source, key = _text(template.source, labels), _text(template.key, labels)
    if source is None or key is None or len(source) > MAX_SOURCE_LENGTH or len(key) > MAX_KEY_LENGTH:
        return None
    return Key(source, key)


def _text(template: str, labels: Mapping[str, str]) -> str | None:
    if any(not labels.get(parse_label(match)[0]) for match in LABEL_PATTERN.finditer(template)):
        return None
    return LABEL_PATTERN.sub(lambda match: _value(labels, *parse_label(match)), template)


def _value(labels: Mapping[str, str], name: str, without_port: bool) -> str:
    return _host(labels[name]) if without_port else labels[name]


def _host(text: str) -> str:
    host, colon, port = text.rpartition(":")
    # An IPv6 address without a port contains colons too, but no closing bracket precedes its last colon.
    is_port = colon and port.isdigit() and (":" not in host or host.endswith("]"))
    return (host if is_port else text).strip("[]") or text
