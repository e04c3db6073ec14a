"""Sources of one test's own, with a small catalog."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from datasources.config import LanguageSettings
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import Sources
from tests.fixtures.databases import create_database
from tests.fixtures.models import new_sources, write_catalog

_numbers = itertools.count()


@pytest.fixture
def url(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> str:
    return create_database(postgres, f"{request.function.__name__[:50]}_{next(_numbers)}")


@pytest.fixture
def settings(tmp_path: Path) -> LanguageSettings:
    return LanguageSettings(models=write_catalog(tmp_path))


@pytest.fixture
async def sources(url: str, settings: LanguageSettings) -> AsyncIterator[Sources]:
    opened = new_sources(url, settings)
    yield opened
    await opened.main.close()
