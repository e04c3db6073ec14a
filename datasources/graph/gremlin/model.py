"""How configuration items and relationships stand in a graph store: labels, ids, properties and moments."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from datasources.graph.projection import EdgeVersion

# Every node. Its id is the configuration item's uuid; it has no properties, for the tables say what it is.
NODE_LABEL = "ConfigurationItem"

# What stands beside the nodes and is none of them: that the store is being told everything, and that it was.
MARKER_LABEL = "Mark"
STARTED_MARKER_ID, COMPLETE_MARKER_ID = "00000000-0000-4000-8000-00000000be91", "00000000-0000-4000-8000-00000000f111"

# The properties of an edge. `KEY` is the id of the relationship, under a name that no engine keeps for itself; `GROUP`
# is absent or empty outside redundancy groups.
KEY, IMPACT, GROUP, VALID_FROM, VALID_TO = "relationship", "impact", "group", "valid_from", "valid_to"

# `valid_to` of what is still valid: the end of the year 9999, so that being valid is one comparison and no null.
OPEN_ENDED_MICROS = 253_402_300_799_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# What needs no encoding in a label. Neptune splits labels at `::`; JanusGraph refuses quotes and braces.
_PLAIN = " ._-/"


def label_of(type: str) -> str:
    """The edge label of a relationship type: its key, with odd characters percent-encoded."""
    return quote(type, safe=_PLAIN)


def type_of(label: str) -> str:
    """The relationship type of an edge label."""
    return unquote(label)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, as exact as PostgreSQL's moments."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The moment so many microseconds after 1970."""
    return _EPOCH + micros * _MICROSECOND


def edge_id_of(version: EdgeVersion) -> str:
    """The id of an edge: that of its relationship while it is valid, and with its beginning once it is closed."""
    if version.valid_to is None:
        return version.edge.id
    return f"{version.edge.id}@{to_micros(version.valid_from)}"
