"""Opens the language model, the knowledge base and its data source according to the settings."""

from datasources.config import LanguageProvider, LanguageSettings
from datasources.language.port import KnowledgeBase, KnowledgeDataSource, Language


def open_language(settings: LanguageSettings | None) -> Language | None:
    """Return the adapter of the provider, without connecting; None if answers only copy sentences of documents."""
    if settings is None or settings.provider is LanguageProvider.LOCAL:
        return None
    # Not on a laptop: it imports nothing of Bedrock.
    from datasources.language.bedrock.adapter import BedrockLanguage

    return BedrockLanguage(settings)


def open_knowledge_base(settings: LanguageSettings | None) -> KnowledgeBase | None:
    """Return the knowledge base that retrieves passages, without connecting; None if the main database does."""
    if settings is None or settings.provider is LanguageProvider.LOCAL or settings.knowledge_base is None:
        return None
    from datasources.language.bedrock.client import BedrockClients
    from datasources.language.bedrock.knowledge_base import BedrockKnowledgeBase

    return BedrockKnowledgeBase(BedrockClients(settings.region), settings.knowledge_base)


def open_knowledge_data_source(settings: LanguageSettings | None) -> KnowledgeDataSource | None:
    """Return the data source that documents are published to, without connecting; None if they are not.

    Whoever writes answers: a worker publishes without asking a model.
    """
    if (
        settings is None
        or settings.knowledge_base is None
        or settings.knowledge_data_source is None
        or settings.knowledge_bucket is None
    ):
        return None
    from datasources.language.bedrock.client import BedrockClients
    from datasources.language.bedrock.data_source import BedrockDataSource

    return BedrockDataSource(
        BedrockClients(settings.region),
        settings.knowledge_base,
        settings.knowledge_data_source,
        settings.knowledge_bucket,
    )
