"""PostGraphile's own documents for the queries, and the shape of StackFlow's schema made from its answers."""

from collections.abc import Callable, Mapping
from typing import Any

from bench.peers.queries import DOCUMENTS, Query

# Without the overview: it walks three hops and reads a second database.
QUERIES = frozenset({"q1", "q2", "q3", "q4", "q5"})


def document(query: Query) -> tuple[str, Mapping[str, object]]:
    """Return its document and variables for a query: ids are those of the tables."""
    variables = {
        name: str(each).removeprefix("ci_") if name == "id" else each for name, each in query.variables.items()
    }
    return (DOCUMENTS / "postgraphile" / f"{query.key}.graphql").read_text(), variables


def normalize(key: str, data: Any) -> Any:
    """Return the data of an answer in the shape of StackFlow's schema."""
    return _SHAPES[key](data)


def _one_item(data: Any) -> Any:
    return {"configurationItem": _item(data["configurationItemByRowId"])}


def _items(data: Any) -> Any:
    return {"configurationItems": _nodes(data["allConfigurationItems"], _item)}


def _incidents(data: Any) -> Any:
    connection = data["allIncidents"]
    edges = [{"cursor": edge["cursor"], "node": _incident(edge["node"])} for edge in connection["edges"]]
    return {"incidents": connection | {"edges": edges}}


_SHAPES: Mapping[str, Callable[[Any], Any]] = {
    "q1": _one_item, "q2": _items, "q3": _items, "q4": _one_item, "q5": _incidents,
}  # fmt: skip


def _item(row: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in row.items() if name not in _FIELDS}
    found["id"] = f"ci_{row['rowId']}"
    if "latestIncidents" in row:
        found["incidents"] = _nodes(row["latestIncidents"], _incident)
    if "relationshipsByImpactFromId" in row:
        ends = (each["configurationItemByImpactToId"] for each in row["relationshipsByImpactFromId"]["nodes"])
        # Parallel relationships name an item twice; those of an item to itself name no dependent.
        others = {end["rowId"]: _item(end) for end in ends if end["rowId"] != row["rowId"]}
        found["dependents"] = {"nodes": [others[id_] for id_ in sorted(others)]}
    return found


def _incident(row: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in row.items() if name not in _FIELDS}
    found["id"] = f"inc_{row['rowId']}"
    if "itemsByName" in row:
        found["configurationItems"] = _nodes(row["itemsByName"], _item)
    return found


def _nodes(connection: Any, shape: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    return {"nodes": [shape(node) for node in connection["nodes"]]}


_FIELDS = ("rowId", "latestIncidents", "itemsByName", "relationshipsByImpactFromId")
