"""Suggested links of documents: written when a document is indexed, then confirmed or rejected by people."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.documents.names import NameOccurrence
from datasources.records.document_chunks import StaleDocument
from datasources.records.documents import DocumentRecord, SuggestedLink
from datasources.records.queries import Scope

_STATEMENTS = statements("documents/suggestions")

# Suggestions for one document, and items that may share a name.
MAX_SUGGESTIONS = 100
MAX_NAMESAKES = 5


async def replace_suggestions(
    transaction: Transaction, document: StaleDocument, names: Sequence[NameOccurrence]
) -> None:
    """Suggest links of a locked document to the items with these names; confirmed and rejected ones stay so."""
    await transaction.execute(_STATEMENTS["link_suggestions_clear"], {"document_id": document.id})
    if not names:
        return
    await transaction.execute(
        _STATEMENTS["link_suggestions_insert"],
        {
            "document_id": document.id,
            "version": document.version,
            "names": [each.name for each in names],
            "first_lines": [each.first_line for each in names],
            "counts": [each.count for each in names],
            "namesakes": MAX_NAMESAKES,
            "limit": MAX_SUGGESTIONS,
        },
    )


async def fetch_suggestions(database: Database, documents: Sequence[str]) -> dict[str, list[SuggestedLink]]:
    """Return the suggestions of each document that nobody has confirmed or rejected, most frequent names first."""
    found: dict[str, list[SuggestedLink]] = {id: [] for id in documents}
    bound = {"keys": list(documents)}
    for id, link in await database.fetch(
        _STATEMENTS["link_suggestions_by_documents"], bound, KeyedRecord(SuggestedLink)
    ):
        found[id].append(link)
    return found


async def count_suggestions(database: Database, source: str) -> int:
    """Return the number of suggestions for documents of a source that nobody has confirmed or rejected."""
    [count] = await database.fetch(_STATEMENTS["link_suggestions_count"], {"source": source}, int)
    return count


async def lock_document(transaction: Transaction, id: str, scope: Scope) -> DocumentRecord | None:
    """Lock a document until the transaction ends, and return it; None if the caller may not see it."""
    bound = {"id": id, "sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
    rows = await transaction.fetch(_STATEMENTS["document_locked"], bound, DocumentRecord)
    return rows[0] if rows else None


async def confirm(transaction: Transaction, document_id: str, items: Sequence[str]) -> list[str]:
    """Confirm suggestions of a locked document and link the items. Return those items that were suggested."""
    bound = {"document_id": document_id, "items": list(items)}
    return await transaction.fetch(_STATEMENTS["link_suggestions_confirm"], bound, str)


async def reject(transaction: Transaction, document_id: str, items: Sequence[str]) -> list[str]:
    """Reject suggestions of a locked document, and unlink the confirmed ones. Return those that were suggested."""
    bound = {"document_id": document_id, "items": list(items)}
    return await transaction.fetch(_STATEMENTS["link_suggestions_reject"], bound, str)


async def reject_others(transaction: Transaction, document_id: str, items: Sequence[str]) -> None:
    """Reject the confirmed suggestions of a locked document whose items are not among these."""
    await transaction.execute(_STATEMENTS["link_suggestions_reject_others"], {"id": document_id, "items": list(items)})
