"""Answers as they are stored: with the proof of each sentence, and in the cache."""

from msgspec import Struct


class ProvenCitation(Struct, frozen=True):
    """The source of a sentence: lines of a document, or a version of an item with the relationships that it names."""

    chunk_id: str | None = None
    document_id: str | None = None
    first_line: int | None = None
    last_line: int | None = None
    content_hash: str | None = None
    item_id: str | None = None
    item_version: int | None = None
    relationship_ids: list[str] = []


class ProvenSentence(Struct, frozen=True):
    """A sentence of an answer and its sources; of a fact about an item, its kind."""

    text: str
    citations: list[ProvenCitation]
    fact: str | None = None


class CachedAnswerQuery(Struct, frozen=True):
    """What a cached answer is looked up by.

    `partition` is a hash of all that an answer depends on besides the question; `embedding` is that of the question by
    `model`, of the length 1.
    """

    partition: str
    canonical: str
    model: str | None = None
    embedding: tuple[float, ...] | None = None


class CachedAnswerRecord(Struct, frozen=True):
    """An answer, and the chunks and items that it depends on, each with its hash or version at the same place."""

    id: str
    value: str
    chunk_ids: list[str]
    content_hashes: list[str]
    item_ids: list[str]
    item_versions: list[int]


class CachedAnswerMatch(Struct, frozen=True, array_like=True):
    """An answer in the cache, its canonical question, and whether nothing that it cites has changed."""

    id: str
    canonical: str
    value: str
    is_fresh: bool
