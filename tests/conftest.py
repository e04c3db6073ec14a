"""Real stores for every test: PostgreSQL and Valkey from wheels, each on a free loopback port."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from workers.migrations import migrate


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A migrated PostgreSQL with the databases `stackflow` and `requirements`."""
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("stackflow", "requirements"), {"fsync": "off"})
        migrate("main", server.url("stackflow"))
        migrate("requirements", server.url("requirements"))
        yield server
        server.stop()
