"""The rows of all contenders: the landscape, with teams, attributes, busy items, changes and requirements.

Every row is a function of the size and the seed. An embedded PostgreSQL stores them in a cache folder, one for each
size, so that a second run does not load again.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from bench.landscape import Landscape, item_id, load
from bench.peers.servers.statements import statements
from datasources.embedded.postgres import EmbeddedPostgres
from workers.migrations import migrate

# Raised when other rows are made for the same size: folders of an older form are loaded again.
FORM = 1
DATABASES = ("stackflow", "requirements")
# Connections of all contenders together: each opens up to ten to each of two databases.
_SETTINGS = {"max_connections": "200", "max_wal_size": "1GB"}


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of configuration items, relationships and incidents. Relationships are a multiple of the items."""

    items: int = 100_000
    relationships: int = 1_000_000
    incidents: int = 200_000
    seed: int = 1

    @property
    def landscape(self) -> Landscape:
        return Landscape(self.items, max(1, self.relationships // self.items), self.incidents, self.seed)


@dataclass(frozen=True, slots=True)
class Stores:
    """The databases of a running server, as libpq URLs, and the process id of the server."""

    main: str
    requirements: str
    pid: int


@contextmanager
def running_stores(cache: Path, size: Size, each: Callable[[str, int], None] | None = None) -> Iterator[Stores]:
    """Run a PostgreSQL with these rows while the block runs; load them if `cache` has none of this size.

    `each` is called with a table and the number of rows sent. EmbeddedError if the server cannot start.
    """
    folder = cache / f"{size.items}-{size.relationships}-{size.incidents}-{size.seed}"
    # Next to the server's folder: that one belongs to the server's user, and may be a link.
    loaded = folder / "loaded.json"
    content = json.dumps({"form": FORM, **asdict(size)})
    fresh = not (loaded.exists() and loaded.read_text() == content)
    if fresh and folder.exists():
        shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    server = EmbeddedPostgres(folder / "postgres")
    # Nothing is written while it is measured: no vacuum may run in the middle of it.
    server.start(DATABASES, {**_SETTINGS, "autovacuum": "off", "fsync": "off" if fresh else "on"})
    try:
        main, requirements = (server.url(each) for each in DATABASES)
        migrate("main", main)
        migrate("requirements", requirements)
        if fresh:
            load(main, size.landscape, each)
            add_operations(main, requirements, size)
            loaded.write_text(content)
        assert server.pid is not None
        yield Stores(main, requirements, server.pid)
    finally:
        server.stop()


def add_operations(main: str, requirements: str, size: Size) -> None:
    """Add teams, attributes, busy items, changes and requirements to a loaded landscape, and analyze all tables."""
    numbers = {
        # 2,000 of 100,000 items, and never fewer than a page.
        "busy": max(100, size.items // 50),
        "incidents": size.incidents,
        "changes": size.items // 5,
    }
    with psycopg.connect(main, autocommit=True) as connection:
        for statement in statements("data").values():
            connection.execute(statement.encode(), numbers)
        # Two versions of each item: rewrite the table, so that no scan reads the dead ones.
        connection.execute("VACUUM FULL configuration_items")
        connection.execute("VACUUM ANALYZE")
    with psycopg.connect(requirements, autocommit=True) as connection:
        with connection.cursor().copy("COPY requirements (id, key, title) FROM STDIN") as copy:
            for number in range(size.items // 10):
                copy.write_row((_requirement_id(number), f"REQ-{number}", f"Requirement {number}"))
        links = "requirement_configuration_items (requirement_id, source, key, configuration_item_id)"
        with connection.cursor().copy(f"COPY {links} FROM STDIN") as copy:
            for number in range(size.items // 10):
                copy.write_row((_requirement_id(number), "bench", str(number), item_id(number * 10)))
        connection.execute("VACUUM ANALYZE")


def _requirement_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-e{number:011x}"
