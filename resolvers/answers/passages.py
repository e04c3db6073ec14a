"""Passages: retrieved chunks of documents with the explanation of their rank, and their sentences."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from datasources.records.document_chunks import DocumentChunkRecord


class GraphRelation(StrEnum):
    """How the document of a passage is linked to the items of a question: to one, to what one depends on, or not."""

    OWN = "OWN"
    DEPENDENCY = "DEPENDENCY"
    NONE = "NONE"


FACTORS = MappingProxyType({GraphRelation.OWN: 1.5, GraphRelation.DEPENDENCY: 1.25, GraphRelation.NONE: 1.0})


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk and why it has its rank, from 1.

    `keyword_rank` is its rank by BM25, None if it has no term of the text; `vector_rank` is its rank by the similarity
    of embeddings, None beyond the first 100 or without a model; `name_match` is whether a name in the text
    is the title or the key of its document, which puts it first; `factor` follows from the relation.
    """

    chunk: DocumentChunkRecord
    rank: int
    keyword_rank: int | None
    vector_rank: int | None
    name_match: bool
    relation: GraphRelation
    factor: float
    # Its rank by the knowledge base; None without one.
    knowledge_base_rank: int | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A part of a passage that is quoted as a whole, without Markdown's marks.

    Lines count from 1 in the body of the document, both inclusive.
    """

    text: str
    first_line: int
    last_line: int
