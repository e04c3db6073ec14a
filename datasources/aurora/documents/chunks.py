"""Chunks of documents: retrieval by the terms of a text, and their replacement when a document changes."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.document_chunks import DocumentChunkMatch, DocumentChunkRecord, StaleDocument
from datasources.records.queries import Scope

_STATEMENTS = statements("documents/chunks")


async def fetch_chunks(database: Database, ids: Sequence[str], scope: Scope) -> dict[str, DocumentChunkRecord]:
    """Return the visible chunks by their id; others are left out."""
    chunks = await database.fetch(_STATEMENTS["chunks_by_ids"], {"ids": list(ids)} | _bound(scope), DocumentChunkRecord)
    return {chunk.id: chunk for chunk in chunks}


async def rank_chunks(database: Database, text: str, scope: Scope, limit: int) -> list[DocumentChunkMatch]:
    """Return at most `limit` visible chunks that have a term of the text, best first, by BM25 and then id."""
    bound = {"text": text, "limit": limit} | _bound(scope)
    return await database.fetch(_STATEMENTS["chunks_by_terms"], bound, DocumentChunkMatch)


async def fetch_stale_documents(database: Database, chunking: str, limit: int) -> list[StaleDocument]:
    """Return at most `limit` documents whose chunks must be made by the rules that `chunking` names, by id."""
    return await database.fetch(_STATEMENTS["documents_stale"], {"chunking": chunking, "limit": limit}, StaleDocument)


async def replace_chunks(
    transaction: Transaction, document: StaleDocument, chunking: str, chunks: Sequence[DocumentChunkRecord]
) -> bool:
    """Replace all chunks of a document. False, with nothing changed, if it has another version by now or is deleted."""
    versions = await transaction.fetch(_STATEMENTS["document_lock"], {"id": document.id}, int)
    if versions != [document.version]:
        return False
    await transaction.execute(_STATEMENTS["chunks_delete"], {"document_id": document.id})
    await transaction.execute(
        _STATEMENTS["chunks_insert"],
        {
            "document_id": document.id,
            "ids": [chunk.id for chunk in chunks],
            "positions": [chunk.position for chunk in chunks],
            "headings": [chunk.heading for chunk in chunks],
            "bodies": [chunk.body for chunk in chunks],
            "first_lines": [chunk.first_line for chunk in chunks],
            "last_lines": [chunk.last_line for chunk in chunks],
            "content_hashes": [chunk.content_hash for chunk in chunks],
        },
    )
    bound = {"document_id": document.id, "version": document.version, "chunking": chunking}
    await transaction.execute(_STATEMENTS["document_index_set"], bound)
    return True


def _bound(scope: Scope) -> dict[str, object]:
    return {"sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
