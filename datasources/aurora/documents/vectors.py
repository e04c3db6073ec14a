"""Embeddings of chunks: retrieval by similarity."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.document_chunks import DocumentChunkMatch
from datasources.records.documents import DocumentKind
from datasources.records.queries import Scope

Embedding: TypeAlias = Sequence[float]

_STATEMENTS = statements("documents/vectors")


async def rank_chunks_by_vectors(
    database: Database,
    embeddings: Sequence[Embedding],
    model: str,
    scope: Scope,
    limit: int,
    kind: DocumentKind | None = None,
) -> list[list[DocumentChunkMatch]]:
    """Return for each embedding at most `limit` visible chunks of documents of one kind or of all, by one statement.

    The most similar come first, then the order is by document and position. The score is the cosine, from -1 to 1.
    Embeddings have the length 1; only those by the same model are compared, and all of them are read.
    """

    bound = {
        "embeddings": [_to_text(embedding) for embedding in embeddings],
        "model": model,
        "kind": kind and kind.value,
        "sees_restricted": scope.sees_restricted,
        "team_keys": list(scope.team_keys),
        "limit": limit,
    }
    matches: list[list[DocumentChunkMatch]] = [[] for _ in embeddings]
    for number, match in await database.fetch(_STATEMENTS["chunks_by_vectors"], bound, KeyedRecord(DocumentChunkMatch)):
        matches[number - 1].append(match)
    return matches


async def insert_vectors(transaction: Transaction, model: str, embeddings: Mapping[str, Embedding]) -> None:
    """Insert embeddings by chunk id, of the length 1."""
    texts = [_to_text(embedding) for embedding in embeddings.values()]
    bound = {"model": model, "ids": list(embeddings), "embeddings": texts}
    await transaction.execute(_STATEMENTS["vectors_insert"], bound)


def _to_text(embedding: Embedding) -> str:
    # An array of arrays cannot be unnested row by row.
    return ",".join(map(repr, embedding))
