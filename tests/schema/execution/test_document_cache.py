"""Parsed documents are remembered within a bound of characters."""

from datasources.config import DocumentLimits
from schema.execution.document_cache import MAX_DOCUMENT_CHARACTERS, DocumentCache

LIMITS = DocumentLimits()


def document(number: int, size: int) -> str:
    text = f"{{ a{number}: __typename }}"
    return text + " " * (size - len(text))


def test_the_same_text_is_prepared_once() -> None:
    documents = DocumentCache(1_000)
    assert documents.get(document(1, 100), LIMITS) is documents.get(document(1, 100), LIMITS)
    assert documents.get(document(1, 100), DocumentLimits(depth=3)) is not documents.get(document(1, 100), LIMITS)


def test_those_not_asked_for_longest_go_first() -> None:
    documents = DocumentCache(1_000)
    first = documents.get(document(0, 100), LIMITS)
    for number in range(1, 30):
        documents.get(document(number, 100), LIMITS)
        assert documents.get(document(0, 100), LIMITS) is first
    assert len(documents) == 10
    documents.get(document(99, 5_000), LIMITS)
    assert len(documents) == 1


def test_a_document_of_too_many_characters_is_refused_unread() -> None:
    prepared = DocumentCache().get(document(1, MAX_DOCUMENT_CHARACTERS + 1), LIMITS)
    assert prepared.document is None
    assert [each.extensions for each in prepared.errors] == [
        {"code": "LIMIT_EXCEEDED", "limit": "characters", "allowed": MAX_DOCUMENT_CHARACTERS}
    ]
    assert DocumentCache().get(document(1, MAX_DOCUMENT_CHARACTERS), LIMITS).document is not None
