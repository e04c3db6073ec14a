"""Past incidents that are similar to others: by the words of their texts, and by their configuration items."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements
from datasources.records.incidents import IncidentMatch
from datasources.records.queries import Scope

_STATEMENTS = statements("incidents/similarity")

# The newest past incidents, whose words decide how rare a word is.
SAMPLE_SIZE = 1_000
# Words of one incident by which others are found, incidents that are read for each, and those that are ranked. Among
# 200,000 incidents, the best one is that of a ranking of all in 20 of 20 cases, and 94% of the best five are.
MAX_TERMS, MAX_POSTINGS, MAX_CANDIDATES = 8, 500, 200


async def rank_past_incidents(
    database: Database, ids: Sequence[str], scope: Scope, limit: int
) -> dict[str, list[IncidentMatch]]:
    """Return for each incident at most `limit` other visible past ones that have words of it, best first by BM25.

    Past incidents are resolved or closed. By one statement; an incident that is not visible has none.
    """
    matches: dict[str, list[IncidentMatch]] = {id: [] for id in ids}
    bound = {
        "ids": list(ids), "sample": SAMPLE_SIZE, "terms": MAX_TERMS, "postings": MAX_POSTINGS,
        "candidates": MAX_CANDIDATES, "limit": limit,
    } | _bound(scope)  # fmt: skip
    for id, match in await database.fetch(_STATEMENTS["incidents_by_similar_texts"], bound, KeyedRecord(IncidentMatch)):
        matches[id].append(match)
    return matches


async def fetch_past_incident_ids(
    database: Database, items: Sequence[str], scope: Scope, limit: int
) -> dict[str, list[str]]:
    """Return for each configuration item the ids of at most `limit` visible past incidents, newest first."""
    ids: dict[str, list[str]] = {item: [] for item in items}
    bound = {"keys": list(items), "limit": limit} | _bound(scope)
    for item, id in await database.fetch(_STATEMENTS["past_incidents_by_configuration_items"], bound, KeyedRecord(str)):
        ids[item].append(id)
    return ids


def _bound(scope: Scope) -> dict[str, object]:
    return {"sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
