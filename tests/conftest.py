"""Real stores for every test: PostgreSQL and Valkey from wheels, each on a free loopback port."""

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures import postgres_majors
from tests.fixtures.demo import demo
from tests.fixtures.engines import gremlin_client, janusgraph_client, neptune, neptune_client
from tests.fixtures.event_stores import events_url
from tests.fixtures.gremlin import gremlin_server, janusgraph_server, transactional_server
from tests.fixtures.profiles import register_profiles
from tests.fixtures.stream_stores import streams_url
from workers.migrations import migrate

__all__ = [
    "demo",
    "events_url",
    "gremlin_client",
    "gremlin_server",
    "janusgraph_client",
    "janusgraph_server",
    "neptune",
    "neptune_client",
    "streams_url",
    "transactional_server",
]

register_profiles()

TESTS = Path(__file__).parent
# Tests that start whole services or a store for each test, kill stores, fill large tables, or walk at random through
# many writes.
SLOW_PATHS = tuple(
    TESTS / each
    for each in (
        "bench",
        "e2e",
        "entity",
        "faults",
        "fuzz",
        "lambda_",
        "datasources/aurora/test_hung_database.py",
        "datasources/aurora/test_role.py",
        "datasources/cache/test_no_stale_value.py",
        "datasources/credentials/test_databases.py",
        "datasources/embedded/test_damage.py",
        "datasources/embedded/test_gremlin.py",
        "datasources/embedded/test_postgres.py",
        "datasources/embedded/test_stores.py",
        "datasources/embedded/test_supervisor.py",
        "datasources/graph/gremlin/client/test_lost_engine.py",
        "datasources/graph/test_plans.py",
        "schema/changes/test_transitions.py",
        "schema/configuration_items/test_laws.py",
        "schema/incidents/test_transitions.py",
        "schema/requirements/test_transitions.py",
    )
)
# Adapters of the graph port that do not walk in PostgreSQL, as the contract names them.
GRAPH_ENGINES = {"gremlin", "frontier", "neptune"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--postgres=16` and `--postgres=17` run the same tests on the majors of production; `--janusgraph` runs more."""
    parser.addoption(
        "--postgres", choices=[*postgres_majors.MAJORS, "18"], default="18", help="the PostgreSQL major to test on"
    )
    parser.addoption(
        "--ministack", default=None, help="the ministack to run the tests of SQS and S3 on; without it they don't"
    )
    parser.addoption("--faults", type=int, default=1_000, help="how much is written while stores are killed")
    parser.addoption("--fuzz", type=int, default=600, help="how many requests are generated")
    parser.addoption("--janusgraph", action="store_true", help="also run the tests that need a JanusGraph")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark every test of a slow path."""
    if any(item.path.is_relative_to(each) for each in SLOW_PATHS):
        item.add_marker(pytest.mark.slow)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On 16 and 17 only the tests that ask PostgreSQL anything: the others would give the same answer again."""
    dropped = [item for item in items if not _is_wanted(config, item)]
    items[:] = [item for item in items if item not in dropped]
    config.hook.pytest_deselected(items=dropped)


def _is_wanted(config: pytest.Config, item: pytest.Item) -> bool:
    fixtures: Collection[str] = getattr(item, "fixturenames", ())
    chosen = [each for each in getattr(getattr(item, "callspec", None), "params", {}).values() if isinstance(each, str)]
    if "janusgraph" in chosen or "janusgraph_server" in fixtures:
        return bool(config.getoption("--janusgraph"))
    if "ministack" in fixtures and not config.getoption("--ministack"):
        return False
    if config.getoption("--postgres") == "18":
        return True
    # A walk on a graph engine is the same whatever PostgreSQL stands beside it.
    return "postgres" in fixtures and not GRAPH_ENGINES.intersection(chosen)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A new folder that every user can enter, unlike tmp_path: servers do not run as root."""
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    """A migrated PostgreSQL with the databases `stackflow` and `requirements`."""
    major = request.config.getoption("--postgres")
    binaries = None if major == "18" else postgres_majors.binaries(major)
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres", binaries)
        server.start(("stackflow", "requirements"), {"fsync": "off"})
        try:
            migrate("main", server.url("stackflow"))
            migrate("requirements", server.url("requirements"))
            yield server
        finally:
            server.stop()
