"""Write documents: insert, update, link to configuration items, and delete."""

from collections.abc import Sequence

from msgspec import Struct, structs

from datasources.aurora.documents.suggestions import reject_others
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.documents import DocumentKind

_STATEMENTS = statements("documents/writes")


class DocumentValues(Struct, frozen=True):
    """The values of a document. Of the teams, None is left as it is stored, and an empty text is no team."""

    key: str
    source: str
    kind: DocumentKind
    title: str
    body: str
    team: str | None = None
    restricted_team: str | None = None


class StoredDocument(Struct, frozen=True, array_like=True):
    """The stored document of a key, and whether it has the values that were compared."""

    id: str
    source: str
    is_same: bool


async def fetch_team_keys(transaction: Transaction, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that are keys of teams, locked until the transaction ends."""
    return set(await transaction.fetch(_STATEMENTS["document_teams"], {"keys": list(keys)}, str))


async def compare(transaction: Transaction, values: DocumentValues) -> StoredDocument | None:
    """Return the stored document with that key, locked, compared with the values; None if there is none."""
    rows = await transaction.fetch(_STATEMENTS["document_compare"], structs.asdict(values), StoredDocument)
    return rows[0] if rows else None


async def insert(transaction: Transaction, id: str, values: DocumentValues) -> None:
    """Insert a document. SourceDuplicate if its key was taken meanwhile."""
    await transaction.execute(_STATEMENTS["document_insert"], {"id": id} | structs.asdict(values))


async def update(transaction: Transaction, id: str, values: DocumentValues) -> None:
    """Update a locked document; its version increases."""
    await transaction.execute(_STATEMENTS["document_update"], {"id": id} | structs.asdict(values))


async def replace_links(transaction: Transaction, id: str, items: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """Link exactly the known items of these sources and keys. Return how many are known, and how many links changed.

    Links that people confirmed end, too, and are not suggested again.
    """
    named = {"sources": [source for source, _ in items], "keys": [key for _, key in items]}
    known = await transaction.fetch(_STATEMENTS["document_items_known"], named, str)
    bound = {"id": id, "items": known}
    removed = await transaction.fetch(_STATEMENTS["document_items_unlink"], bound, str)
    linked = await transaction.fetch(_STATEMENTS["document_items_link"], bound, str)
    await reject_others(transaction, id, known)
    return len(known), len(removed) + len(linked)


async def delete_others(transaction: Transaction, source: str, keys: Sequence[str]) -> int:
    """Delete the documents of a source whose keys are not among these. Return their number."""
    return len(await transaction.fetch(_STATEMENTS["documents_prune"], {"source": source, "keys": list(keys)}, str))
