"""Settings made whole: which stores they leave open, and whose URLs they get."""

from pathlib import Path

import pytest

import settings
from commands.stores import embedded_stores, use_stores, with_embedded_urls
from datasources.config import CacheSettings, GraphEngine, JarSettings
from datasources.embedded.stores import EmbeddedStores, StoreSelection, StoreUrls

# All of one's own but the graph.
OWN = {"DATABASE_URL": "postgresql://h/d", "REQUIREMENTS_URL": "postgresql://h/r", "REDIS_URL": "off"}
ENGINES = {"": GraphEngine.SQL, "sql": GraphEngine.SQL, "gremlin": GraphEngine.GREMLIN}
ENGINES |= {"neptune-like": GraphEngine.NEPTUNE_LIKE}


@pytest.mark.parametrize(("named", "engine"), ENGINES.items())
def test_a_graph_is_embedded_if_it_is_named_and_has_no_url(named: str, engine: GraphEngine) -> None:
    assert embedded_stores(settings.load_settings({"GRAPH": named})).selection == StoreSelection(graph=engine)
    assert embedded_stores(settings.load_settings(OWN | {"GRAPH": named})).selection == StoreSelection(
        False, False, False, engine
    )
    assert not embedded_stores(settings.load_settings(OWN | {"GRAPH": named, "GRAPH_URL": "ws://h"})).selection.has_any


def test_an_embedded_graph_fills_its_urls_and_nothing_else() -> None:
    given = settings.load_settings(OWN | {"GRAPH": "gremlin", "GRAPH_POOL_MAX": "7"})
    whole = with_embedded_urls(
        given, StoreUrls(graph="ws://127.0.0.1:1/gremlin", graph_reader="ws://127.0.0.1:2/gremlin")
    )
    assert (whole.graph.url, whole.graph.reader_url) == ("ws://127.0.0.1:1/gremlin", "ws://127.0.0.1:2/gremlin")
    assert (whole.graph.pool_max, whole.graph.engine) == (7, GraphEngine.GREMLIN)
    assert (whole.main, whole.requirements, whole.cache) == (given.main, given.requirements, CacheSettings(None))
    assert with_embedded_urls(given, StoreUrls()) == given


def test_where_jars_come_from_is_a_setting() -> None:
    assert settings.load_settings({}).jars == JarSettings()
    given = {"MAVEN_REPOSITORY_URL": "https://maven/releases", "XDG_CACHE_HOME": "/var/cache"}
    assert settings.load_settings(given).jars == JarSettings("https://maven/releases", Path("/var/cache"))


def test_a_graph_that_would_begin_empty_is_not_started_for_a_command(tmp_path: Path) -> None:
    chosen = settings.load_settings(OWN | {"GRAPH": "gremlin", "STACKFLOW_STATE": str(tmp_path / "state")})
    with use_stores(chosen) as whole:
        assert whole.graph.url is None
    assert not (tmp_path / "state").exists()


def test_a_command_joins_the_graph_that_runs(tmp_path: Path) -> None:
    chosen = settings.load_settings(OWN | {"GRAPH": "gremlin", "STACKFLOW_STATE": str(tmp_path / "state")})
    stores: EmbeddedStores = embedded_stores(chosen)
    try:
        url = stores.start().graph
        with use_stores(chosen) as whole:
            assert whole.graph.url == url is not None
    finally:
        stores.stop()


def test_a_graph_is_started_for_who_asks_for_it(tmp_path: Path) -> None:
    chosen = settings.load_settings(OWN | {"GRAPH": "gremlin", "STACKFLOW_STATE": str(tmp_path / "state")})
    with use_stores(chosen, graph=True) as whole:
        assert whole.graph.url is not None
    assert embedded_stores(chosen).find_running() is None
