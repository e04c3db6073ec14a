"""Embeddings of chunks: retrieval by similarity, and the chunks that wait for an embedding."""

from collections.abc import Mapping, Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.document_chunks import ChunkText, DocumentChunkMatch
from datasources.records.queries import Scope

_STATEMENTS = statements("documents/vectors")


async def rank_chunks_by_vector(
    database: Database, embedding: Sequence[float], model: str, scope: Scope, limit: int
) -> list[DocumentChunkMatch]:
    """Return at most `limit` visible chunks, the most similar first, then by id. The score is the cosine, -1 to 1.

    The embedding has the length 1. Only embeddings by the same model are compared: reads all of them.
    """
    bound = {
        "embedding": list(embedding),
        "model": model,
        "sees_restricted": scope.sees_restricted,
        "team_keys": list(scope.team_keys),
        "limit": limit,
    }
    return await database.fetch(_STATEMENTS["chunks_by_vector"], bound, DocumentChunkMatch)


async def fetch_chunks_without_vector(database: Database, model: str, limit: int) -> list[ChunkText]:
    """Return at most `limit` chunks that have no embedding by the model."""
    return await database.fetch(_STATEMENTS["chunks_without_vector"], {"model": model, "limit": limit}, ChunkText)


async def insert_vectors(transaction: Transaction, model: str, embeddings: Mapping[str, Sequence[float]]) -> None:
    """Insert embeddings by chunk id. Those of chunks that were deleted meanwhile are left out."""
    # As text: an array of arrays cannot be unnested row by row.
    texts = [",".join(map(repr, embedding)) for embedding in embeddings.values()]
    bound = {"model": model, "ids": list(embeddings), "embeddings": texts}
    await transaction.execute(_STATEMENTS["vectors_insert"], bound)


async def delete_vectors_of_other_models(transaction: Transaction, model: str) -> None:
    """Delete the embeddings by all models but this one."""
    await transaction.execute(_STATEMENTS["vectors_delete_others"], {"model": model})
