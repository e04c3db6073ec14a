"""Documents: runbooks and knowledge."""

from datetime import datetime

import strawberry

from datasources.records.documents import DocumentKind, DocumentRecord
from datasources.records.documents import SuggestedLink as SuggestedLinkRecord
from datasources.records.queries import Order
from resolvers.configuration_items.loaders import ConfigurationItemById, ConfigurationItemsByDocument
from resolvers.documents.loaders import (
    BodyByDocument,
    DocumentById,
    DocumentByKey,
    Documents,
    DocumentsByConfigurationItem,
    SuggestedLinksByDocument,
)
from resolvers.teams.loaders import TeamById
from schema.declarations.connections import Connection, Group, PageDeclaration, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, link
from schema.declarations.filters import (
    DateTimeFilter,
    Filter,
    IdFilter,
    TextFilter,
    ToMany,
    all_of,
    any_of,
    condition,
    none_of,
    order_input,
)
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field
from schema.lazy_types import (
    CONFIGURATION_ITEM_PAGES,
    LazyConfigurationItem,
    LazyConfigurationItemConnection,
    LazyConfigurationItemFilter,
    LazyTeam,
)

READ_PERMISSION = "documents:read"

register_enum(
    DocumentKind,
    "The kind of a document.",
    RUNBOOK="Instructions, step by step.",
    KNOWLEDGE="A knowledge article.",
)


@strawberry.type(
    description="A link that nobody has confirmed: the name of the configuration item occurs in the document."
)
class SuggestedLink:
    record = SuggestedLinkRecord

    configuration_item: LazyConfigurationItem | None = link(
        ConfigurationItemById, "The configuration item.", key="item_id", needs="configuration-items:read"
    )
    first_line: int = attribute("The line in `body` where its name occurs first, from 1.")
    count: int = attribute("How often its name occurs.")
    document_version: int = attribute("The version of the document in which it was found.")


@strawberry.type(description="A runbook or a knowledge article.")
class Document(Node):
    record = DocumentRecord
    prefix = "doc"
    by_id = DocumentById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("doc")
    key: str = attribute("Its key, unique, for example `KB0000042`.")
    kind: DocumentKind = attribute("Its kind: a runbook or a knowledge article.")
    title: str = attribute("Its title.")
    body: str | None = link(
        BodyByDocument,
        "Its full text, which can be long. One statement for all documents.",
        key="id",
        needs=READ_PERMISSION,
    )
    source: str = attribute("Its source, for example `wiki`; can be empty.")
    version: int = attribute("Increases by one when its text, title, kind or teams change; its links do not count.")
    updated_at: datetime = attribute("When it last changed.")
    team: LazyTeam | None = link(TeamById, "The team that maintains it.", key="team_id", needs="teams:read")
    restricted_team: LazyTeam | None = link(
        TeamById,
        "The only team that can see it; null if it is not restricted.",
        key="restricted_team_id",
        needs="teams:read",
    )
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByDocument,
        "The configuration items it is about, by name.",
        key="id",
        pages=CONFIGURATION_ITEM_PAGES,
    )
    suggested_links: list[SuggestedLink] | None = link(
        SuggestedLinksByDocument,
        "The configuration items whose names occur in its text and that are not linked, most frequent names first, at "
        "most 100. Confirm or reject them by `confirmDocumentLinks` and `rejectDocumentLinks`. One statement for all "
        "documents.",
        key="id",
        needs="configuration-items:read",
        size=5,
    )


@strawberry.type(description="A page of documents.")
class DocumentConnection(Connection[Document]):
    groups: list[Group] = groups("Document", "documents", KIND="By kind.", SOURCE="By source.")


@strawberry.input(description="Conditions on documents; all given conditions must hold.")
class DocumentFilter:
    id: IdFilter | None = condition("Its global id.")
    key: TextFilter | None = condition("Its key.")
    kind: Filter[DocumentKind] | None = condition("Its kind.")
    title: TextFilter | None = condition("Its title.")
    source: TextFilter | None = condition("Its source.")
    updated_at: DateTimeFilter | None = condition("When it last changed.")
    configuration_items: ToMany[LazyConfigurationItemFilter] | None = condition("The configuration items it is about.")
    and_: list["DocumentFilter"] | None = all_of()
    or_: list["DocumentFilter"] | None = any_of()
    not_: "DocumentFilter | None" = none_of()


DocumentOrder = order_input(
    "Document",
    "documents",
    KEY="By key.",
    TITLE="By title.",
)
DOCUMENT_PAGES = PageDeclaration(READ_PERMISSION, DocumentFilter | None, DocumentOrder | None, Order("title"))


@strawberry.type
class HasDocuments:
    """Adds the field `documents` to a type."""

    documents: DocumentConnection | None = connection(
        DocumentsByConfigurationItem,
        "The documents about it, by title.",
        key="id",
        pages=DOCUMENT_PAGES,
    )


@strawberry.type
class DocumentQueries:
    document: Document | None = by_unique_key(
        Document,
        "One document, by id or by key; null if there is none.",
        {"key": (Argument("key", str | None, "Its key, for example `KB0000042`."), DocumentByKey, str)},
    )
    documents: DocumentConnection | None = connection(
        Documents,
        "All documents, by title.",
        pages=DOCUMENT_PAGES,
    )
