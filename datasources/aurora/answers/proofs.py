"""Proofs of answers: sentences with their sources, and what is read to verify them."""

from collections.abc import Sequence

import msgspec

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements
from datasources.records.answers import ProvenSentence
from datasources.records.document_chunks import DocumentChunkRecord
from datasources.records.queries import Scope

_STATEMENTS = statements("answers/proofs")


async def insert(database: Database, id: str, actor: str, sentences: Sequence[ProvenSentence]) -> None:
    """Store an answer that was given to an actor, KIND:subject."""
    bound = {"id": id, "actor": actor, "sentences": msgspec.json.encode(sentences).decode()}
    async with database.transaction() as transaction:
        await transaction.execute(_STATEMENTS["answer_insert"], bound)


async def fetch(database: Database, id: str, actor: str) -> list[ProvenSentence] | None:
    """Return the sentences of an answer that was given to this actor, in order; None if there is no such answer."""
    found = await database.fetch(_STATEMENTS["answer_by_id"], {"id": id, "actor": actor}, str)
    return msgspec.json.decode(found[0], type=list[ProvenSentence]) if found else None


async def fetch_chunks(
    database: Database, document_ids: Sequence[str], scope: Scope
) -> dict[str, list[DocumentChunkRecord]]:
    """Return the chunks of visible documents by document, in order; others are left out."""
    bound = {"keys": list(document_ids), "sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
    chunks: dict[str, list[DocumentChunkRecord]] = {}
    rows = await database.fetch(_STATEMENTS["chunks_by_documents"], bound, KeyedRecord(DocumentChunkRecord))
    for document_id, chunk in rows:
        chunks.setdefault(document_id, []).append(chunk)
    return chunks


async def fetch_relationship_ids(database: Database, impacts: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return for each pair of items the relationships by which an impact reaches the second from the first directly."""
    bound = {"from_ids": [one for one, _ in impacts], "to_ids": [other for _, other in impacts]}
    found: list[list[str]] = [[] for _ in impacts]
    for number, id in await database.fetch(_STATEMENTS["relationship_ids_by_impacts"], bound, KeyedRecord(str)):
        found[number - 1].append(id)
    return found


async def purge(database: Database, days: float, most: int) -> int:
    """Delete at most `most` answers that are older than so many days; return how many."""
    return len(await database.fetch(_STATEMENTS["answers_purge"], {"age": days, "most": most}, bool))
