"""Chunks of documents: what retrieval finds and answers cite."""

from msgspec import Struct


class DocumentChunkRecord(Struct, frozen=True, array_like=True):
    """A part of a document.

    `heading` holds the headings above it, joined by ' > '. Lines count from 1 in the document's body, both inclusive.
    `content_hash` is the SHA-256 of heading and body in hexadecimal digits.
    """

    id: str
    document_id: str
    position: int
    heading: str
    body: str
    first_line: int
    last_line: int
    content_hash: str


class DocumentChunkMatch(Struct, frozen=True, array_like=True):
    """A chunk that matches a question, with its score; higher is better."""

    chunk_id: str
    document_id: str
    position: int
    score: float


class StaleDocument(Struct, frozen=True, array_like=True):
    """A document whose chunks are missing or were made from another version or by other rules."""

    id: str
    title: str
    body: str
    version: int


class IndexRules(Struct, frozen=True):
    """How documents are indexed: the names of the rules that divide them and that find names in them, and the model.

    The model embeds their chunks. Without a model nothing is embedded, and chunks that another process embedded stay as
    they are.
    """

    chunking: str
    model: str | None = None
    naming: str = ""


class TermWeight(Struct, frozen=True, array_like=True):
    """A term of a text and how rare it is in chunks."""

    term: str
    weight: float


class ChunkPublication(Struct, frozen=True, array_like=True):
    """A chunk whose objects must be written, with the key of its restricted team and some of its document's items.

    `is_written` if its text is in the bucket, so that only its metadata is old.
    """

    chunk_id: str
    document_id: str
    heading: str
    body: str
    content_hash: str
    restricted_team: str | None
    item_ids: list[str]
    is_written: bool


class ObsoletePublication(Struct, frozen=True, array_like=True):
    """A chunk that is deleted and may have objects."""

    chunk_id: str
    document_id: str
