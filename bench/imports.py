"""Imports compared with bare COPY of the same rows into identical tables with indexes, and with each other.

    PYTHONPATH=. python -m bench.imports [--rows 380000] [--items 60000] [--seed 7]

All runs use one embedded server, each in a new process and, where stated, in new databases:

- fresh: the import into empty databases. All others are compared with it.
- after a dry run: into empty databases after a dry run of the same, with the statistics that autovacuum then collects:
  those of tables that contain only rows of a rolled-back transaction.
- the same again, which changes nothing; again with --prune; and with --prune after a fifth was removed.

Prints seconds, rows per second, the ratio to fresh and to bare COPY, and the peak resident memory of the process.
Bare COPY runs last of each pair; the better of two runs counts.
"""

import argparse
import asyncio
import csv
import random
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg

from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.imports.report import ImportReport
from resolvers.imports.run import ImportOptions, run_import
from workers.migrations import migrate

MAPPING = """
source: bench
files:
  classes: {inline: [{key: server}]}
  types: {inline: [{key: depends_on, impact: REVERSE}]}
  items: {path: items.csv}
  relationships: {path: relationships.csv}
sections:
  - {entity: classes, file: classes, fields: {key: key}}
  - {entity: relationship_types, file: types, fields: {key: key, impact: impact}}
  - {entity: configuration_items, file: items, fields: {key: key, name: name, class: {constant: server}}}
  - {entity: relationships, file: relationships, fields: {from: from, to: to, type: {constant: depends_on}}}
"""
# The tables that the import writes.
TABLES = ("configuration_items", "configuration_item_keys", "relationships")


def write_files(folder: Path, rows: int, items: int, seed: int) -> None:
    """Write items and distinct relationships between them, in random order from the seed; and the mapping."""
    draw = random.Random(seed)
    write_items(folder, items)
    pairs: set[int] = set()
    with (folder / "relationships.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["from", "to"])
        while len(pairs) < rows:
            one, two = draw.randrange(items), draw.randrange(items)
            if one != two and one * items + two not in pairs:
                pairs.add(one * items + two)
                writer.writerow([f"host-{one:06}", f"host-{two:06}"])
    (folder / "mapping.yaml").write_text(MAPPING)


def write_items(folder: Path, items: int) -> None:
    """Write the items."""
    with (folder / "items.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "name"])
        writer.writerows((f"host-{number:06}", f"Host {number}") for number in range(items))


def take_away(folder: Path, items: int) -> None:
    """Keep only the first `items` items and the relationships between them."""
    write_items(folder, items)
    path = folder / "relationships.csv"
    with path.open(newline="") as file:
        header, *pairs = list(csv.reader(file))
    remaining = [pair for pair in pairs if all(int(end.removeprefix("host-")) < items for end in pair)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *remaining])


def bare_copy(url: str, folder: Path) -> float:
    """Return the seconds to COPY the final rows into empty tables with the same columns and indexes."""
    seconds = 0.0
    with psycopg.connect(url, autocommit=True) as connection:
        for table in TABLES:
            # Generated columns are computed again, as in an import.
            names = ", ".join(columns(connection, table))
            file = folder / f"{table}.copy"
            out_of = f"COPY (SELECT {names} FROM {table}) TO STDOUT".encode()
            with connection.cursor() as cursor, file.open("wb") as out, cursor.copy(out_of) as rows:
                out.writelines(rows)
            connection.execute(f"CREATE TABLE bare (LIKE {table} INCLUDING ALL)".encode())
            connection.execute("CHECKPOINT")
            begin = time.perf_counter()
            into = f"COPY bare ({names}) FROM STDIN".encode()
            with connection.cursor() as cursor, file.open("rb") as lines, cursor.copy(into) as copy:
                while block := lines.read(1 << 18):
                    copy.write(block)
            seconds += time.perf_counter() - begin
            connection.execute("DROP TABLE bare")
    return seconds


def columns(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """Return the columns of a table that are not generated."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attgenerated = ''"
        " AND NOT attisdropped ORDER BY attnum",
        (table,),
    )
    return [row[0] for row in rows.fetchall()]


def peak() -> float:
    """Return the peak resident memory of this process in MiB, from /proc: getrusage includes the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def child(folder: Path, url: str, other: str, options: ImportOptions) -> tuple[float, float, str]:
    """Run an import in a spawned process, so that the peak is its own; return seconds, MiB and a summary."""

    async def run() -> ImportReport:
        main, requirements = Database("main", url), Database("requirements", other)
        try:
            return await run_import(folder / "mapping.yaml", folder, main, requirements, options)
        finally:
            await main.close()
            await requirements.close()

    report = asyncio.run(run())
    gone = report.pruned
    pruned = f", {gone.deleted + gone.retired:,} items and {gone.relationships:,} relationships pruned" if gone else ""
    summary = f"{report.total('created'):,} created, {report.total('left'):,} left{pruned} {report.prune_refused}"
    return report.seconds, peak(), summary.strip()


class Bench:
    """A server, and new databases on it."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder = folder
        self.rows = rows
        self.server = EmbeddedPostgres(folder / "postgres")
        self.first = 0.0

    def fresh(self) -> tuple[str, str]:
        """Create two empty, migrated databases and return their URLs. Drops the previous ones."""
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            for name in ("stackflow", "requirements"):
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
                connection.execute(f"CREATE DATABASE {name}".encode())
            connection.execute("CHECKPOINT")
        url, other = self.server.url("stackflow"), self.server.url("requirements")
        migrate("main", url)
        migrate("requirements", other)
        return url, other

    def run(self, title: str, urls: tuple[str, str], **options: Any) -> float:
        """Run an import in a new process, print its figures and return its seconds."""
        with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            seconds, memory, summary = pool.apply(child, (self.folder, *urls, ImportOptions(**options)))
        self.first = self.first or seconds
        print(
            f"{title}: {summary}; {seconds:.1f} s, {self.rows / seconds:,.0f} rows/s, {seconds / self.first:.2f}x of"
            f" fresh, peak {memory:.0f} MiB",
            flush=True,
        )
        return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=380_000)
    parser.add_argument("--items", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as name:
        work = Path(name)
        work.chmod(0o755)
        write_files(work, options.rows, options.items, options.seed)
        bench = Bench(work, options.rows + options.items)
        # The benchmark collects the statistics itself, at the worst moment.
        bench.server.start((), {"max_wal_size": "4GB", "autovacuum": "off"})
        try:
            measure(bench, options.items)
        finally:
            bench.server.stop()


def measure(bench: Bench, items: int) -> None:
    """Run all imports, in an order that prepares the state for each."""
    seconds = bench.run("fresh", bench.fresh())
    urls = bench.fresh()
    bench.run("dry run", urls, dry_run=True)
    with psycopg.connect(urls[0], autocommit=True) as connection:
        connection.execute("ANALYZE")
    bench.run("after a dry run", urls)
    bare = min(bare_copy(urls[0], bench.folder) for _ in range(2))
    print(
        f"bare COPY: {bare:.1f} s, {bench.rows / bare:,.0f} rows/s; fresh import at {bare / seconds:.2f} of its speed"
    )
    bench.run("the same again", urls)
    bench.run("again with --prune", urls, prune="bench")
    take_away(bench.folder, items * 4 // 5)
    bench.run("a fifth pruned", urls, prune="bench", prune_share=0.5)


if __name__ == "__main__":
    main()
