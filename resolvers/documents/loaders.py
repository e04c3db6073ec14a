"""Loaders of documents and their bodies."""

from collections.abc import Mapping, Sequence

from datasources.aurora.documents.suggestions import fetch_suggestions
from datasources.aurora.documents.table import DOCUMENTS, fetch_bodies_by_ids
from datasources.records.documents import DocumentRecord, SuggestedLink
from resolvers.loading.loader import Loader
from resolvers.loading.tables import PagesBy, RelatedBy, RowBy


class DocumentById(RowBy[DocumentRecord]):
    table = DOCUMENTS


class DocumentByKey(RowBy[DocumentRecord]):
    table = DOCUMENTS
    by = "keys"


class Documents(PagesBy[DocumentRecord]):
    table = DOCUMENTS


class DocumentsByConfigurationItem(PagesBy[DocumentRecord]):
    table = DOCUMENTS
    link = "configuration_item"


class BodyByDocument(Loader[str, str | None]):
    """Keys are document ids."""

    value = str | None
    reads = ("documents", "teams")

    @property
    def scope_key(self) -> str:
        return self.context.scope.key

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, str | None]:
        return dict(await fetch_bodies_by_ids(self.context.sources.main, keys, self.context.scope))

    def absent(self, key: str) -> str | None:
        return None


class DocumentIdsByConfigurationItem(RelatedBy[str]):
    """Ids of documents, those that the caller cannot see among them: for comparison with visible ones only."""

    domain = "documents"
    statement = "document_ids_by_configuration_items"
    record = str
    tables = ("document_configuration_items",)


class SuggestedLinksByDocument(Loader[str, list[SuggestedLink]]):
    """Not cached: the indexer writes them at any time."""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, list[SuggestedLink]]:
        return await fetch_suggestions(self.context.sources.main, keys)

    def absent(self, key: str) -> list[SuggestedLink]:
        return []
