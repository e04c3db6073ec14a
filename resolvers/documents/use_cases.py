"""Write documents: confirm and reject suggested links to configuration items."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from datasources.aurora.documents import suggestions
from datasources.aurora.driver.transaction import Transaction
from resolvers import validation
from resolvers.commands import ConfigurationItemId, DocumentId
from resolvers.unit_of_work import Write, audit_snapshot

TABLE = "documents"
ENTITY = "DOCUMENT"
LINKS = "document_configuration_items"
# Only the team of a restricted document may read these columns; audit entries have other readers.
CONFIDENTIAL_COLUMNS = frozenset({"title"})

Decide = Callable[[Transaction, str, Sequence[str]], Awaitable[list[str]]]


class ConfirmDocumentLinks(Struct, frozen=True, kw_only=True):
    """Suggested links of a document to confirm."""

    document_id: Annotated[DocumentId, Meta(description="The global id of the document.")]
    item_ids: Annotated[
        tuple[ConfigurationItemId, ...],
        Meta(description="The suggested configuration items, at most 500; one that is repeated counts once."),
    ]
    expected_version: Annotated[
        int | None,
        Meta(
            description="The version of the document that you last read. If the current version differs, the error is "
            "CONFLICT. Without it, any version is accepted. A decision about links does not increase it."
        ),
    ] = None


class RejectDocumentLinks(ConfirmDocumentLinks, frozen=True, kw_only=True):
    """Suggested links of a document to reject."""


async def confirm_links(write: Write, command: ConfirmDocumentLinks) -> Sequence[str]:
    """Link the items to the document. Refused if one of them was never suggested; other versions of it are the same."""
    return await _decide(write, command, suggestions.confirm, "confirmed")


async def reject_links(write: Write, command: RejectDocumentLinks) -> Sequence[str]:
    """Suggest the items no more, and unlink those that were confirmed. Refused if one of them was never suggested."""
    return await _decide(write, command, suggestions.reject, "rejected")


async def _decide(write: Write, command: ConfirmDocumentLinks, decide: Decide, decision: str) -> Sequence[str]:
    # The version stays: by it documents are indexed again, and imports that only change links keep it, too.
    record = await suggestions.lock_document(write.transaction, command.document_id, write.context.scope)
    if record is None:
        raise validation.no_such_record("document", "document_id")
    if command.expected_version is not None:
        validation.require_version(record, "document", command.expected_version)
    items = await validation.require_items(write.transaction, command.item_ids, "item_ids")
    decided = await decide(write.transaction, record.id, items)
    if strangers := sorted(set(items) - set(decided)):
        message = f"ci_{strangers[0]} is not suggested for this document; see its suggested links"
        raise validation.not_found("item_ids", message)
    write.tables.add(LINKS)
    hidden = CONFIDENTIAL_COLUMNS if record.restricted_team_id is not None else frozenset[str]()
    before, after = audit_snapshot(record, hidden), audit_snapshot(record, hidden, **{decision: items})
    write.record_change(TABLE, ENTITY, record.id, before, after)
    return [record.id]
