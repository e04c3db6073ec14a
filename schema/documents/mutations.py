"""Mutations of documents: confirm and reject suggested links."""

from functools import partial

import strawberry

from resolvers.documents import use_cases
from resolvers.documents.loaders import DocumentById
from schema.declarations.fields import link
from schema.declarations.mutations import mutation
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.documents.types import READ_PERMISSION, Document

WRITE_PERMISSION = "documents:write"


@strawberry.type
class DocumentPayload:
    """The fields that all payloads with one document share."""

    document: Document | None = link(DocumentById, "The document as it is now.", key="id", needs=READ_PERMISSION)
    user_errors: list[UserErrorType] = user_errors()


document_mutation = partial(mutation, payload=DocumentPayload, needs=WRITE_PERMISSION)


@strawberry.type
class DocumentMutations:
    confirm_document_links = document_mutation(
        use_cases.ConfirmDocumentLinks,
        use_cases.confirm_links,
        "Confirm suggested links of a document: they become links like any other.",
        "The document, or why nothing was linked.",
    )
    reject_document_links = document_mutation(
        use_cases.RejectDocumentLinks,
        use_cases.reject_links,
        "Reject suggested links of a document: they are not suggested again, and a confirmed one ends.",
        "The document, or why nothing was rejected.",
    )
