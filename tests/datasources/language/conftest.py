"""Bedrock's double, an adapter on it, and all adapters of language models for the contract."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from datasources.config import LanguageProvider, LanguageSettings
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.language.bedrock.adapter import BedrockLanguage
from datasources.language.port import Language
from resolvers.answers.extractive import ExtractiveLanguage
from tests.fixtures.answers import Library, open_library
from tests.fixtures.bedrock import Bedrock
from tests.fixtures.bedrock_language import bedrock, model

__all__ = ["bedrock", "model"]

REGION = "eu-central-1"
KNOWLEDGE_BASE = "KB12345678"
SETTINGS = LanguageSettings(provider=LanguageProvider.BEDROCK, region=REGION)


Open = Callable[..., BedrockLanguage]


@pytest.fixture
async def open_bedrock(bedrock: Bedrock) -> AsyncIterator[Open]:
    """Opens adapters with other settings than the default ones."""
    languages: list[BedrockLanguage] = []

    def open_language(settings: LanguageSettings = SETTINGS) -> BedrockLanguage:
        languages.append(BedrockLanguage(settings))
        return languages[-1]

    yield open_language
    for language in languages:
        await language.close()


@dataclass(frozen=True)
class Adapter:
    """An adapter of the port, and whether it uses tokens."""

    language: Language
    uses_tokens: bool


# The adapters that keep the contract: the name of a fixture, and whether it uses tokens.
ADAPTERS = {"bedrock": ("bedrock_language", True), "extractive": ("extractive_language", False)}


@pytest.fixture
def bedrock_language(open_bedrock: Open) -> BedrockLanguage:
    """Bedrock with the default settings."""
    return open_bedrock()


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    """The words of six documents, by which the local adapter weighs those of a question."""
    async with open_library(postgres, "language_contract") as opened:
        yield opened


@pytest.fixture
def extractive_language(library: Library) -> ExtractiveLanguage:
    """The local adapter, which copies sentences."""
    return ExtractiveLanguage(library.context())


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Each adapter of the port."""
    fixture, uses_tokens = ADAPTERS[request.param]
    return Adapter(request.getfixturevalue(fixture), uses_tokens)
