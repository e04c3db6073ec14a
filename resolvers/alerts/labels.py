"""What labels mean by a mapping: which configuration items an alert may be about, and how grave it is."""

from collections.abc import Mapping

from datasources.files.alerts import LABEL_PATTERN, AlertMapping, ItemTemplate, SeverityLevel, parse_label
from resolvers.events.landscape_types import Key

# What an identification key may have at most, as in events.
MAX_SOURCE_LENGTH, MAX_KEY_LENGTH = 200, 450


def map_items(mapping: AlertMapping, labels: Mapping[str, str]) -> tuple[Key, ...]:
    """Identification keys in the order of the mapping, each once. A template is passed over if a label is missing or
    empty, or if the key would be too long."""
    found = (_fill_template(template, labels) for template in mapping.items)
    return tuple(dict.fromkeys(key for key in found if key is not None))


def map_severity(mapping: AlertMapping, labels: Mapping[str, str]) -> SeverityLevel:
    """Impact and urgency."""
    levels = {name.lower(): level for name, level in mapping.severity.levels.items()}
    return levels.get(labels.get(mapping.severity.label, "").lower(), mapping.severity.otherwise)


def _fill_template(template: ItemTemplate, labels: Mapping[str, str]) -> Key | None:
    source, key = _text(template.source, labels), _text(template.key, labels)
    if source is None or key is None or len(source) > MAX_SOURCE_LENGTH or len(key) > MAX_KEY_LENGTH:
        return None
    return Key(source, key)


def _text(template: str, labels: Mapping[str, str]) -> str | None:
    if any(not labels.get(parse_label(found)[0]) for found in LABEL_PATTERN.finditer(template)):
        return None
    return LABEL_PATTERN.sub(lambda found: _value(labels, *parse_label(found)), template)


def _value(labels: Mapping[str, str], name: str, without_port: bool) -> str:
    return _host(labels[name]) if without_port else labels[name]


def _host(text: str) -> str:
    host, colon, port = text.rpartition(":")
    # An IPv6 address without a port has colons too, but then no brackets end before the last.
    is_port = colon and port.isdigit() and (":" not in host or host.endswith("]"))
    return (host if is_port else text).strip("[]") or text
