"""A cache of parsed and validated documents, so that each text is checked only once."""

from collections import OrderedDict
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError, GraphQLSyntaxError, parse, validate

from datasources.config import DocumentLimits
from schema.execution.limits import check_document
from schema.schema import SCHEMA

GRAPHQL_SCHEMA = SCHEMA._schema
# Characters of one document. Parsing takes half a second for a million characters.
MAX_DOCUMENT_CHARACTERS = 200_000
# Characters of all cached documents: a parsed document takes up to 300 bytes for each character.
MAX_CACHED_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document that is ready to run, or the errors for which it is rejected."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()


class DocumentCache:
    """Documents by text and limits; the least recently used ones are evicted first."""

    def __init__(self, max_characters: int = MAX_CACHED_CHARACTERS) -> None:
        self._max_characters = max_characters
        self._entries: OrderedDict[tuple[str, DocumentLimits], PreparedDocument] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, text: str, limits: DocumentLimits) -> PreparedDocument:
        """Return the document from the cache, or parse and validate it now."""
        key = (text, limits)
        prepared = self._entries.get(key)
        if prepared is not None:
            self._entries.move_to_end(key)
            return prepared
        prepared = self._entries[key] = _parse_and_validate(text, limits)
        self._characters += len(text)
        while self._characters > self._max_characters and len(self._entries) > 1:
            (evicted, _), _ = self._entries.popitem(last=False)
            self._characters -= len(evicted)
        return prepared


_CACHE = DocumentCache()


def prepare_document(text: str, limits: DocumentLimits) -> PreparedDocument:
    """Parse a document, check its limits and validate it; the result is cached for the most recently used documents."""
    return _CACHE.get(text, limits)


def _parse_and_validate(text: str, limits: DocumentLimits) -> PreparedDocument:
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        message = f"the document has {len(text)} characters; at most {MAX_DOCUMENT_CHARACTERS} are allowed"
        extensions = {"code": "LIMIT_EXCEEDED", "limit": "characters", "allowed": MAX_DOCUMENT_CHARACTERS}
        return PreparedDocument(None, (GraphQLError(message, extensions=extensions),))
    try:
        document = parse(text, max_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        if "tokens" in error.message:
            error.extensions = {"code": "LIMIT_EXCEEDED", "allowed": limits.tokens}
        else:
            error.extensions = {"code": "GRAPHQL_PARSE_FAILED"}
        return PreparedDocument(None, (error,))
    limit_errors = check_document(document, limits)
    if limit_errors:
        return PreparedDocument(None, tuple(limit_errors))
    errors = validate(GRAPHQL_SCHEMA, document, max_errors=20)
    for each in errors:
        each.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
    return PreparedDocument(None if errors else document, tuple(errors))
