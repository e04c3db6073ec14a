"""Loaders of chunks of documents. Not cached: texts rarely repeat, and chunks depend on the scope."""

import asyncio
from collections.abc import Mapping, Sequence

from datasources.aurora.answers import proofs
from datasources.aurora.documents.chunks import (
    count_documents,
    fetch_chunks,
    fetch_chunks_by_names,
    fetch_term_weights,
    fetch_terms,
    rank_chunks_by_texts,
)
from datasources.aurora.documents.vectors import rank_chunks_by_vectors
from datasources.language.embeddings import open_embedder
from datasources.records.document_chunks import DocumentChunkMatch, DocumentChunkRecord
from datasources.records.documents import DocumentKind
from resolvers.loading.loader import Loader

# Chunks of one text that are ranked further.
MAX_MATCHES = 100


class ChunkMatchesByText(Loader[str, list[DocumentChunkMatch]]):
    """The best chunks for each text by BM25. `arguments` is the only kind of document, None for all."""

    arguments: DocumentKind | None

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, list[DocumentChunkMatch]]:
        context = self.context
        return await rank_chunks_by_texts(context.sources.main, keys, context.scope, MAX_MATCHES, self.arguments)

    def absent(self, key: str) -> list[DocumentChunkMatch]:
        return []


class ChunkMatchesByMeaning(Loader[str, list[DocumentChunkMatch]]):
    """The chunks whose embeddings are most similar to that of each text; none where no model is installed.

    `arguments` as of `ChunkMatchesByText`.
    """

    arguments: DocumentKind | None

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, list[DocumentChunkMatch]]:
        context = self.context
        # In a thread: the first call reads the model, and other requests wait for no file.
        embedder = await asyncio.to_thread(open_embedder)
        if embedder is None:
            return {}
        embeddings = {key: embedding for key in keys if (embedding := embedder.embed(key)) is not None}
        found = await rank_chunks_by_vectors(
            context.sources.main, list(embeddings.values()), embedder.model, context.scope, MAX_MATCHES, self.arguments
        )
        return dict(zip(embeddings, found, strict=True))

    def absent(self, key: str) -> list[DocumentChunkMatch]:
        return []


class ChunkMatchesByName(Loader[str, list[DocumentChunkMatch]]):
    """The first chunk of each document with this title or key. `arguments` as of `ChunkMatchesByText`."""

    arguments: DocumentKind | None

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, list[DocumentChunkMatch]]:
        return await fetch_chunks_by_names(self.context.sources.main, keys, self.context.scope, self.arguments)

    def absent(self, key: str) -> list[DocumentChunkMatch]:
        return []


class ChunkById(Loader[str, DocumentChunkRecord | None]):
    """Chunks of visible documents."""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, DocumentChunkRecord | None]:
        return dict(await fetch_chunks(self.context.sources.main, keys, self.context.scope))

    def absent(self, key: str) -> DocumentChunkRecord | None:
        return None


class TermsByText(Loader[str, frozenset[str]]):
    """The terms of each text: stems without stop words."""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, frozenset[str]]:
        return dict(zip(keys, await fetch_terms(self.context.sources.main, keys), strict=True))

    def absent(self, key: str) -> frozenset[str]:
        return frozenset()


class TermWeightsByText(Loader[str, Mapping[str, float]]):
    """The terms of each text with their weights: the rarer in visible chunks, the greater."""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
        context = self.context
        return dict(zip(keys, await fetch_term_weights(context.sources.main, keys, context.scope), strict=True))

    def absent(self, key: str) -> Mapping[str, float]:
        return {}


class DocumentCount(Loader[None, int]):
    """The number of visible documents that retrieval searches; the only key is None."""

    async def fetch(self, keys: Sequence[None]) -> Mapping[None, int]:
        return {None: await count_documents(self.context.sources.main, self.context.scope)}

    def absent(self, key: None) -> int:
        return 0


class ChunksByDocument(Loader[str, list[DocumentChunkRecord]]):
    """All chunks of visible documents, in order."""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, list[DocumentChunkRecord]]:
        return await proofs.fetch_chunks(self.context.sources.main, keys, self.context.scope)

    def absent(self, key: str) -> list[DocumentChunkRecord]:
        return []


class RelationshipIdsByImpact(Loader[tuple[str, str], list[str]]):
    """The relationships by which an impact reaches the second item of each pair from the first directly."""

    async def fetch(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], list[str]]:
        return dict(zip(keys, await proofs.fetch_relationship_ids(self.context.sources.main, keys), strict=True))

    def absent(self, key: tuple[str, str]) -> list[str]:
        return []
