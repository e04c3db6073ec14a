"""Retrieval: the passages of documents that fit a question, best first, each with the explanation of its rank."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datasources.graph.port import Direction, Walk
from datasources.language.port import KnowledgeBase, LanguageError
from datasources.records.document_chunks import DocumentChunkMatch
from datasources.records.documents import DocumentKind
from datasources.values import UUID
from resolvers.answers.fusion import fuse_ranks
from resolvers.answers.loaders import (
    MAX_MATCHES,
    ChunkById,
    ChunkMatchesByMeaning,
    ChunkMatchesByName,
    ChunkMatchesByText,
)
from resolvers.answers.passages import FACTORS, GraphRelation, Passage
from resolvers.context import Context
from resolvers.documents.loaders import DocumentIdsByConfigurationItem
from resolvers.errors import SourceLost
from resolvers.relationships.loaders import ReachArguments, ReachByStarts

# Words find names and messages of alerts, embeddings find paraphrases. `python -m bench.retrieval` compares weights.
KEYWORD_WEIGHT = 1.0
VECTOR_WEIGHT = 0.25
MAX_CHUNKS_OF_DOCUMENT = 2
# Names that are looked up for one text.
MAX_NAMES = 50
# Retrieve takes some hundred milliseconds; without it, the main database still has time.
MAX_KNOWLEDGE_BASE_SECONDS = 3.0
KNOWLEDGE_BASE = "knowledge base"
DEPENDENCIES = Walk(Direction.DEPENDENCIES, max_depth=2, fan_out=500, max_nodes=500)
RELATIONSHIPS_READ = "relationships:read"

# Parts of an identifier: it has a digit, '-' or '_', an inner capital, or capitals only.
_IDENTIFIER = re.compile(r"(?=.{3})(.*[\d_-].*|.+[A-Z].*|[A-Z]+)")
_PUNCTUATION = ".,;:!?()[]{}<>\"'`*"


@dataclass(frozen=True, slots=True)
class _Ranks:
    """The ranked chunks for a text: by words, by meaning, and by the knowledge base, which replaces both."""

    keywords: Sequence[DocumentChunkMatch] = ()
    similar: Sequence[DocumentChunkMatch] = ()
    knowledge_base: Sequence[DocumentChunkMatch] = ()

    def fuse(self) -> dict[str, float]:
        """Return the score of each chunk by its id."""
        weights = ((KEYWORD_WEIGHT, self.keywords), (VECTOR_WEIGHT, self.similar), (1.0, self.knowledge_base))
        return fuse_ranks((weight, [match.chunk_id for match in matches]) for weight, matches in weights)


async def retrieve(
    context: Context, text: str, items: Iterable[str], first: int, kind: DocumentKind | None = None
) -> tuple[Passage, ...]:
    """Return the best passages for a text about configuration items, at most `first`, two of one document.

    The knowledge base ranks chunks for documents of all kinds, if there is one that finds any; otherwise the main
    database does. Documents whose title or key is named come first, then the order is that of the fused ranks, raised
    by the relation to the items; ties are ordered by document and position. Without the graph, which the request then
    reports as degraded, dependencies are not considered. Several texts that are retrieved together share their
    statements.
    """
    ranks, named, relations = await asyncio.gather(
        _rank_chunks(context, text, kind),
        context.loader(ChunkMatchesByName, kind).load_many(names_in(text)),
        _relate_documents(context, tuple(sorted(set(items)))),
    )
    lists = (ranks.keywords, ranks.similar, ranks.knowledge_base)
    matches = {match.chunk_id: match for found in (*named, *lists) for match in found}
    named_documents = {match.document_id for name in named for match in name}
    keyword_ranks, vector_ranks, knowledge_base_ranks = (
        {match.chunk_id: rank for rank, match in enumerate(found, 1)} for found in lists
    )
    scores = ranks.fuse()

    def relation(match: DocumentChunkMatch) -> GraphRelation:
        return relations.get(match.document_id, GraphRelation.NONE)

    def order(match: DocumentChunkMatch) -> tuple[bool, float, str, int]:
        score = scores.get(match.chunk_id, 0.0) * FACTORS[relation(match)]
        return match.document_id not in named_documents, -score, match.document_id, match.position

    best = _limit_documents(sorted(matches.values(), key=order), first)
    chunks = await context.loader(ChunkById).load_many([match.chunk_id for match in best])
    # A document may be divided anew meanwhile: its old chunks are gone.
    present = [(match, chunk) for match, chunk in zip(best, chunks, strict=True) if chunk is not None]
    return tuple(
        Passage(
            chunk=chunk,
            rank=rank,
            keyword_rank=keyword_ranks.get(match.chunk_id),
            vector_rank=vector_ranks.get(match.chunk_id),
            knowledge_base_rank=knowledge_base_ranks.get(match.chunk_id),
            name_match=match.document_id in named_documents,
            relation=relation(match),
            factor=FACTORS[relation(match)],
        )
        for rank, (match, chunk) in enumerate(present, 1)
    )


async def _rank_chunks(context: Context, text: str, kind: DocumentKind | None) -> _Ranks:
    if context.sources.knowledge_base is not None and kind is None:
        try:
            found = await _rank_by_knowledge_base(context, context.sources.knowledge_base, text)
        except LanguageError:
            found = []
            context.request.degraded.add(KNOWLEDGE_BASE)
        # A knowledge base that is empty, or has no chunk of ours, finds nothing.
        if found:
            return _Ranks(knowledge_base=found)
    keywords, similar = await asyncio.gather(
        context.loader(ChunkMatchesByText, kind).load(text), context.loader(ChunkMatchesByMeaning, kind).load(text)
    )
    return _Ranks(keywords, similar)


async def _rank_by_knowledge_base(
    context: Context, knowledge_base: KnowledgeBase, text: str
) -> list[DocumentChunkMatch]:
    """Return the chunks that the knowledge base finds, best first. One that was divided anew since is not found."""
    remaining = context.request.remaining()
    seconds = MAX_KNOWLEDGE_BASE_SECONDS if remaining is None else min(MAX_KNOWLEDGE_BASE_SECONDS, remaining / 2)
    found = await knowledge_base.retrieve(text, MAX_MATCHES, context.scope, seconds)
    ids = [id_ for passage in found if UUID.fullmatch(id_ := str(passage.metadata.get("chunk_id", "")))]
    chunks = await context.loader(ChunkById).load_many(list(dict.fromkeys(ids)))
    return [
        DocumentChunkMatch(chunk_id=chunk.id, document_id=chunk.document_id, position=chunk.position, score=0.0)
        for chunk in chunks
        if chunk is not None
    ]


def names_in(text: str) -> list[str]:
    """Return what may be the name of a document: the first line, and the words that look like identifiers."""
    first_line = text.strip().split("\n", 1)[0].rstrip("? \r")
    words = (word.strip(_PUNCTUATION) for word in text.split())
    names = dict.fromkeys([first_line, *(word for word in words if _IDENTIFIER.fullmatch(word))])
    return [name for name in names if name][:MAX_NAMES]


async def _relate_documents(context: Context, items: tuple[str, ...]) -> dict[str, GraphRelation]:
    """Return the relation of the documents that are linked to the items or to what they depend on."""
    if not items:
        return {}
    dependencies = await _reach_dependencies(context, items)
    ids = [*items, *dependencies]
    linked = await context.loader(DocumentIdsByConfigurationItem).load_many(ids)
    relations: dict[str, GraphRelation] = {}
    for item, documents in zip(ids, linked, strict=True):
        relation = GraphRelation.OWN if item in items else GraphRelation.DEPENDENCY
        for document in documents:
            relations.setdefault(document, relation)
    return relations


async def _reach_dependencies(context: Context, items: tuple[str, ...]) -> list[str]:
    if not context.principal.allows(RELATIONSHIPS_READ):
        return []
    try:
        reach = await context.loader(ReachByStarts, ReachArguments(DEPENDENCIES)).load(items)
    except SourceLost as lost:
        context.request.degraded.add(str(lost.extensions["store"]))
        return []
    return [node.id for node in reach.nodes]


def _limit_documents(matches: Iterable[DocumentChunkMatch], first: int) -> list[DocumentChunkMatch]:
    counts: Counter[str] = Counter()
    limited: list[DocumentChunkMatch] = []
    for match in matches:
        counts[match.document_id] += 1
        if counts[match.document_id] <= MAX_CHUNKS_OF_DOCUMENT and len(limited) < first:
            limited.append(match)
    return limited
