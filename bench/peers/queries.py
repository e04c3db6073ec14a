"""The six queries: a document, its variables, and how many requests of it make one measurement."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.landscape import item_id

DOCUMENTS = Path(__file__).parent / "documents"
# The trusted document of the incident page, as the product ships it.
OVERVIEW = Path(__file__).parents[2] / "schema" / "operations" / "incident-overview.graphql"
# Any item and incident: all items have the same number of outgoing relationships.
ITEM = 47
INCIDENT = 42


@dataclass(frozen=True, slots=True)
class Query:
    """One query: its key, what it asks, the name of its operation, and the requests of one measurement."""

    key: str
    meaning: str
    operation: str
    variables: Mapping[str, object]
    requests: int

    @property
    def document(self) -> str:
        """The document for every contender with StackFlow's schema."""
        return (OVERVIEW if self.key == "q6" else DOCUMENTS / f"{self.key}.graphql").read_text()


_ID = {"id": f"ci_{item_id(ITEM)}"}
QUERIES = {
    each.key: each
    for each in (
        Query("q1", "1 item by id, 8 fields", "Q1", _ID, 1_500),
        Query("q2", "1,000 items of 8 fields", "Q2", {"items": 1_000}, 64),
        Query("q3", "100 items with 20 latest incidents", "Q3", {"items": 100, "incidents": 20}, 48),
        Query("q4", "dependents of dependents of 1 item", "Q4", _ID, 160),
        Query("q5", "50 incidents by state, total, items", "Q5", {"state": "NEW", "incidents": 50}, 128),
        Query("q6", "overview of 1 incident, 3 hops", "IncidentOverview", {"number": f"INC{INCIDENT:07d}"}, 48),
    )
}
