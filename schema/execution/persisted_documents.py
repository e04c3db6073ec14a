"""The document of a request: its text, the id of a trusted document, or a hash in the protocol of Apollo clients.

https://www.apollographql.com/docs/apollo-server/performance/apq
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from datasources.config import DocumentLimits
from resolvers.errors import BadUserInput, ShownError
from schema.execution.document_cache import prepare_document
from schema.operations import document_id, trusted_documents

# Limits of the cache of one process: documents, and bytes in UTF-8.
MAX_DOCUMENTS = 1_000
MAX_CACHED_BYTES = 4 * 1024 * 1024
PROTOCOL_VERSION = 1
_HASH = re.compile(r"[0-9a-f]{64}")


class PersistedQueryNotFound(ShownError):
    """No document with this hash is known. Clients recognise the message and send the text with the hash."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class DocumentTextCache:
    """A cache of texts by id, in this process; the least recently used ones are evicted first."""

    def __init__(self, max_documents: int = MAX_DOCUMENTS, max_bytes: int = MAX_CACHED_BYTES) -> None:
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._bytes = 0

    def get(self, id_: str) -> str | None:
        """Return the text with this id, or None if it is not cached."""
        text = self._texts.get(id_)
        if text is not None:
            self._texts.move_to_end(id_)
        return text

    def add(self, text: str) -> None:
        """Cache a text, and evict others until the limits hold. A text that exceeds them by itself is not cached."""
        size, id_ = _count_bytes(text), document_id(text)
        if size > self._max_bytes:
            return
        if id_ not in self._texts:
            self._texts[id_] = text
            self._bytes += size
        self._texts.move_to_end(id_)
        while len(self._texts) > self._max_documents or self._bytes > self._max_bytes:
            _, evicted = self._texts.popitem(last=False)
            self._bytes -= _count_bytes(evicted)


class PersistedDocuments:
    """The documents that requests can name: trusted ones, and free-form ones that were sent with their hash before."""

    def __init__(self, limits: DocumentLimits, cache: DocumentTextCache | None = None) -> None:
        self._limits = limits
        self._cache = cache or DocumentTextCache()

    def resolve_text(self, body: Mapping[str, Any], *, free_form: bool) -> str:
        """Return the text of the document. BadUserInput names the field; PersistedQueryNotFound requests the text.

        `free_form`: whether the caller can run free-form documents. Documents from other clients are hidden from
        callers who cannot.
        """
        text = body.get("query")
        id_ = body.get("documentId")
        hashed = _parse_hash(body.get("extensions"))
        if isinstance(text, str):
            if hashed is not None:
                self._store(text, hashed, free_form)
            return text
        if hashed is not None:
            if id_ is not None and id_ != hashed:
                raise BadUserInput("documentId and persistedQuery name two documents; send one", argument="documentId")
            return self._find_by_hash(hashed, free_form)
        if isinstance(id_, str) and id_ in trusted_documents():
            return trusted_documents()[id_].text
        if id_ is not None:
            raise BadUserInput("no trusted document has this documentId", argument="documentId")
        raise BadUserInput("the body must have a `query` text or a `documentId`", argument="query")

    def _find_by_hash(self, id_: str, free_form: bool) -> str:
        if id_ in trusted_documents():
            return trusted_documents()[id_].text
        text = self._cache.get(id_) if free_form else None
        if text is None:
            raise PersistedQueryNotFound
        return text

    def _store(self, text: str, id_: str, free_form: bool) -> None:
        if document_id(text) != id_:
            raise BadUserInput(
                "sha256Hash is not the SHA-256 of the query's text", argument="extensions.persistedQuery.sha256Hash"
            )
        # Callers who cannot run it, and invalid documents, must not fill the cache.
        if free_form and id_ not in trusted_documents() and prepare_document(text, self._limits).document is not None:
            self._cache.add(text)


def _parse_hash(extensions: Any) -> str | None:
    """Return the document id of `persistedQuery`; None if there is none."""
    if extensions is None:
        return None
    if not isinstance(extensions, dict):
        raise BadUserInput("extensions must be an object", argument="extensions")
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    if not isinstance(persisted, dict):
        raise BadUserInput("persistedQuery must be an object", argument="extensions.persistedQuery")
    version = persisted.get("version")
    hash_ = persisted.get("sha256Hash")
    if isinstance(version, bool) or version != PROTOCOL_VERSION:
        raise BadUserInput("the version of persistedQuery must be 1", argument="extensions.persistedQuery.version")
    if not isinstance(hash_, str) or not _HASH.fullmatch(hash_):
        raise BadUserInput(
            "sha256Hash must be 64 hexadecimal digits in lower case", argument="extensions.persistedQuery.sha256Hash"
        )
    return f"sha256:{hash_}"


def _count_bytes(text: str) -> int:
    return len(text.encode())
