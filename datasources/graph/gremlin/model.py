"""How configuration items and relationships are stored in a graph store: labels, ids, properties and times."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from datasources.graph.projection import EdgeVersion

# The label of every node. The id is the UUID of the configuration item; attributes are only in the tables.
NODE_LABEL = "ConfigurationItem"

# The label and ids of the nodes of the completeness marker: a full projection has started, and it has finished.
MARKER_LABEL = "Mark"
STARTED_MARKER_ID = "00000000-0000-4000-8000-00000000be91"
COMPLETE_MARKER_ID = "00000000-0000-4000-8000-00000000f111"

# The properties of an edge. `KEY` is the id of the relationship, under a name that no engine reserves; `GROUP` is
# absent or empty outside redundancy groups.
KEY = "relationship"
IMPACT = "impact"
GROUP = "group"
VALID_FROM = "valid_from"
VALID_TO = "valid_to"

# The `valid_to` of a valid edge: the end of the year 9999, so that validity is one comparison without null.
OPEN_ENDED_MICROS = 253_402_300_799_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The characters that a label contains unencoded. Neptune splits labels at `::`; JanusGraph rejects quotes and braces.
_PLAIN = " ._-/"


def label_of(type: str) -> str:
    """Return the edge label of a relationship type: its key, with special characters percent-encoded."""
    return quote(type, safe=_PLAIN)


def type_of(label: str) -> str:
    """Return the relationship type of an edge label."""
    return unquote(label)


def to_micros(moment: datetime) -> int:
    """Return the microseconds since 1970, the precision of PostgreSQL."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the time of a number of microseconds since 1970."""
    return _EPOCH + micros * _MICROSECOND


def edge_id_of(version: EdgeVersion) -> str:
    """Return the id of an edge: the relationship id while it is valid; a closed version also has its start time."""
    if version.valid_to is None:
        return version.edge.id
    return f"{version.edge.id}@{to_micros(version.valid_from)}"
