"""Which adapters are opened by which settings."""

import subprocess
import sys

from datasources.config import CacheSettings, GraphSettings, LanguageSettings, PostgresSettings
from datasources.language.bedrock.adapter import BedrockLanguage
from datasources.language.bedrock.knowledge_base import BedrockKnowledgeBase
from datasources.sources import Sources, open_sources
from tests.datasources.language.conftest import KNOWLEDGE_BASE, SETTINGS

IMPORTED = """
import sys
from datasources.config import CacheSettings, GraphSettings, LanguageSettings, PostgresSettings
from datasources.sources import open_sources
database = PostgresSettings(url="postgresql://h/d")
open_sources(database, database, CacheSettings(url=None), GraphSettings(), LanguageSettings())
print([name for name in sys.modules if name.startswith(("boto", "datasources.language.bedrock"))])
"""


def open_with(language: LanguageSettings | None) -> Sources:
    database = PostgresSettings(url="postgresql://h/d")
    return open_sources(database, database, CacheSettings(url=None), GraphSettings(), language)


async def test_bedrock_is_opened_only_by_its_settings() -> None:
    for settings, language, knowledge_base in (
        (None, type(None), type(None)),
        (LanguageSettings(), type(None), type(None)),
        (SETTINGS, BedrockLanguage, type(None)),
        (LanguageSettings(SETTINGS.provider, "eu-central-1", KNOWLEDGE_BASE), BedrockLanguage, BedrockKnowledgeBase),
    ):
        sources = open_with(settings)
        assert (type(sources.language), type(sources.knowledge_base)) == (language, knowledge_base)
        await sources.close()


def test_without_bedrock_nothing_of_it_is_imported() -> None:
    shown = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"
