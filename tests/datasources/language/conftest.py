"""Bedrock's double, an adapter on it, and all adapters of language models for the contract."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from datasources.config import LanguageProvider, LanguageSettings
from datasources.language.bedrock.adapter import BedrockLanguage
from datasources.language.port import Language
from tests.fixtures.bedrock import Bedrock
from tests.fixtures.bedrock_model import Model

REGION = "eu-central-1"
KNOWLEDGE_BASE = "KB12345678"
SETTINGS = LanguageSettings(provider=LanguageProvider.BEDROCK, region=REGION)


@pytest.fixture
def model() -> Model:
    """The models and the knowledge base of the double."""
    return Model()


@pytest.fixture
def bedrock(model: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bedrock]:
    """Bedrock's double, to which the SDK's variables lead. What it receives fits botocore's models."""
    server = Bedrock(model)
    server.start()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for service in ("BEDROCK_RUNTIME", "BEDROCK_AGENT_RUNTIME"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.url)
    yield server
    server.stop()
    assert server.faults == []


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
ADAPTERS = {"bedrock": ("bedrock_language", True)}


@pytest.fixture
def bedrock_language(open_bedrock: Open) -> BedrockLanguage:
    """Bedrock with the default settings."""
    return open_bedrock()


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Each adapter of the port."""
    fixture, uses_tokens = ADAPTERS[request.param]
    return Adapter(request.getfixturevalue(fixture), uses_tokens)
