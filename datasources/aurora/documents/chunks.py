"""Chunks of documents: retrieval by the terms of a text, and their replacement when a document changes."""

from collections.abc import Sequence

from msgspec.structs import asdict

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.document_chunks import (
    DocumentChunkMatch,
    DocumentChunkRecord,
    IndexRules,
    StaleDocument,
    TermWeight,
)
from datasources.records.documents import DocumentKind
from datasources.records.queries import Scope

_STATEMENTS = statements("documents/chunks")

# Chunks that one statement inserts, so that no statement of a long document takes seconds.
INSERT_BATCH = 50


async def fetch_chunks(database: Database, ids: Sequence[str], scope: Scope) -> dict[str, DocumentChunkRecord]:
    """Return the visible chunks by their id; others are left out."""
    chunks = await database.fetch(_STATEMENTS["chunks_by_ids"], {"ids": list(ids)} | _bound(scope), DocumentChunkRecord)
    return {chunk.id: chunk for chunk in chunks}


async def rank_chunks_by_texts(
    database: Database, texts: Sequence[str], scope: Scope, limit: int, kind: DocumentKind | None = None
) -> dict[str, list[DocumentChunkMatch]]:
    """Return for each text at most `limit` visible chunks with a term of it, best first by BM25, document and position.

    Of documents of one kind or of all, by one statement.
    """
    bound = {"texts": list(texts), "kind": kind and kind.value, "limit": limit} | _bound(scope)
    matches: dict[str, list[DocumentChunkMatch]] = {text: [] for text in texts}
    for number, match in await database.fetch(_STATEMENTS["chunks_by_texts"], bound, KeyedRecord(DocumentChunkMatch)):
        matches[texts[number - 1]].append(match)
    return matches


async def fetch_chunks_by_names(
    database: Database, names: Sequence[str], scope: Scope, kind: DocumentKind | None = None
) -> dict[str, list[DocumentChunkMatch]]:
    """Return by name the first chunk of each visible document with this title or key, in any case; the score is 0."""

    matches: dict[str, list[DocumentChunkMatch]] = {name: [] for name in names}
    bound = {"names": list(names), "kind": kind and kind.value} | _bound(scope)
    for name, match in await database.fetch(_STATEMENTS["chunks_by_names"], bound, KeyedRecord(DocumentChunkMatch)):
        matches[name].append(match)
    return matches


async def fetch_terms(database: Database, texts: Sequence[str]) -> list[frozenset[str]]:
    """Return the distinct terms of each text, in the order of the texts: stems without stop words."""
    return await database.fetch(_STATEMENTS["terms_by_texts"], {"texts": list(texts)}, _to_terms)


async def fetch_term_weights(database: Database, texts: Sequence[str], scope: Scope) -> list[dict[str, float]]:
    """Return the weight of each term of each text, in the order of the texts.

    It is the term's inverse frequency among visible chunks, as of BM25, and greatest for a term that no chunk has.
    """
    weights: list[dict[str, float]] = [{} for _ in texts]
    bound = {"texts": list(texts)} | _bound(scope)
    for number, term in await database.fetch(_STATEMENTS["term_weights_by_texts"], bound, KeyedRecord(TermWeight)):
        weights[number - 1][term.term] = term.weight
    return weights


async def count_documents(database: Database, scope: Scope) -> int:
    """Return the number of visible documents that have been divided into chunks."""
    [count] = await database.fetch(_STATEMENTS["documents_with_chunks_count"], _bound(scope), int)
    return count


async def fetch_stale_documents(database: Database, rules: IndexRules, limit: int) -> list[StaleDocument]:
    """Return at most `limit` documents whose chunks must be made, by id."""
    return await database.fetch(_STATEMENTS["documents_stale"], asdict(rules) | {"limit": limit}, StaleDocument)


async def count_stale_documents(database: Database, rules: IndexRules) -> int:
    """Return the number of documents whose chunks must be made."""
    [count] = await database.fetch(_STATEMENTS["documents_stale_count"], asdict(rules), int)
    return count


async def lock_stale_document(transaction: Transaction, document: StaleDocument, rules: IndexRules) -> bool:
    """Lock a document until the transaction ends. False if its chunks have been made meanwhile."""
    await transaction.fetch(_STATEMENTS["document_lock"], {"id": document.id}, int)
    # Read by a statement of its own, since the lock may have waited for the transaction that made them.
    bound = {"document_id": document.id, "version": document.version} | asdict(rules)
    return not await transaction.fetch(_STATEMENTS["document_index"], bound, str)


async def replace_chunks(
    transaction: Transaction, document: StaleDocument, rules: IndexRules, chunks: Sequence[DocumentChunkRecord]
) -> bool:
    """Replace all chunks of a document. False, with nothing changed, if it has another version by now or is deleted."""
    versions = await transaction.fetch(_STATEMENTS["document_lock"], {"id": document.id}, int)
    if versions != [document.version]:
        return False
    await transaction.execute(_STATEMENTS["chunks_delete"], {"document_id": document.id})
    for start in range(0, len(chunks), INSERT_BATCH):
        await _insert(transaction, document.id, chunks[start : start + INSERT_BATCH])
    bound = {"document_id": document.id, "version": document.version} | asdict(rules)
    await transaction.execute(_STATEMENTS["document_index_set"], bound)
    return True


async def _insert(transaction: Transaction, document_id: str, chunks: Sequence[DocumentChunkRecord]) -> None:
    await transaction.execute(
        _STATEMENTS["chunks_insert"],
        {
            "document_id": document_id,
            "ids": [chunk.id for chunk in chunks],
            "positions": [chunk.position for chunk in chunks],
            "headings": [chunk.heading for chunk in chunks],
            "bodies": [chunk.body for chunk in chunks],
            "first_lines": [chunk.first_line for chunk in chunks],
            "last_lines": [chunk.last_line for chunk in chunks],
            "content_hashes": [chunk.content_hash for chunk in chunks],
        },
    )


def _bound(scope: Scope) -> dict[str, object]:
    return {"sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}


def _to_terms(terms: list[str]) -> frozenset[str]:
    return frozenset(terms)
