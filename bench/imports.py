"""Import of 1,000,000 relationships against bare COPY of the same rows into an identical table with its indexes.

    PYTHONPATH=. python -m bench.imports [--rows 1000000] [--items 100000] [--seed 7]

Both run on the same embedded server, one after the other, the bare COPY first and again afterwards (the better
of the two counts). Printed: seconds, rows a second, the ratio, and the peak resident memory of this process.
"""

import argparse
import asyncio
import csv
import random
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import psycopg

from datasources.aurora.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.imports.run import Options, run_import
from workers.migrations import migrate

MAPPING = """
source: bench
files:
  classes: {inline: [{key: server}]}
  types: {inline: [{key: depends_on, impact: REVERSE}]}
  items: {path: items.csv}
  relationships: {path: relationships.csv}
sections:
"""
ITEMS = """
  - {entity: classes, file: classes, fields: {key: key}}
  - {entity: relationship_types, file: types, fields: {key: key, impact: impact}}
  - {entity: configuration_items, file: items, fields: {key: key, name: name, class: {constant: server}}}
"""
RELATIONSHIPS = """
  - {entity: relationships, file: relationships, fields: {from: from, to: to, type: {constant: depends_on}}}
"""


def write_files(folder: Path, rows: int, items: int, seed: int) -> None:
    """The items and distinct relationships between them, in random order, from the seed."""
    draw = random.Random(seed)
    with (folder / "items.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "name"])
        writer.writerows((f"host-{number:06}", f"Host {number}") for number in range(items))
    pairs: set[int] = set()
    with (folder / "relationships.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["from", "to"])
        while len(pairs) < rows:
            one, two = draw.randrange(items), draw.randrange(items)
            if one != two and one * items + two not in pairs:
                pairs.add(one * items + two)
                writer.writerow([f"host-{one:06}", f"host-{two:06}"])
    (folder / "items.yaml").write_text(MAPPING + ITEMS)
    (folder / "relationships.yaml").write_text(MAPPING + RELATIONSHIPS)


def bare_copy(url: str, file: Path) -> float:
    """Seconds to COPY the file of final rows into an empty table with the same columns and indexes."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare_relationships")
        connection.execute("CREATE TABLE bare_relationships (LIKE relationships INCLUDING ALL)")
        connection.execute("CHECKPOINT")
        begin = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY bare_relationships FROM STDIN") as copy,
            file.open("rb") as rows,
        ):
            while block := rows.read(1 << 18):
                copy.write(block)
        seconds = time.perf_counter() - begin
        connection.execute("DROP TABLE bare_relationships")
    return seconds


def dump(url: str, file: Path) -> int:
    """Write the final rows in the order of the import as COPY text; how many there are."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor, file.open("wb") as out:
        with cursor.copy("COPY (SELECT * FROM relationships ORDER BY id) TO STDOUT") as copy:
            for block in copy:
                out.write(block)
        return cursor.rowcount


def peak() -> float:
    """Peak resident memory of this process in MiB, from /proc: getrusage counts what the parent held at the fork."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def isolated(work: Path, url: str, other: str, mapping: str) -> tuple[float, float, int]:
    """Run one import in this process: seconds, peak MiB, rows created in its last section."""

    async def run() -> tuple[float, int]:
        main, requirements = Database("main", url), Database("requirements", other)
        try:
            report = await run_import(work / mapping, work, main, requirements, Options())
        finally:
            await main.close()
            await requirements.close()
        return report.seconds, report.sections[-1].created

    seconds, created = asyncio.run(run())
    return seconds, peak(), created


def child(arguments: tuple[Path, str, str, str]) -> tuple[float, float, int]:
    """What a spawned process runs, so that its peak is the import's alone."""
    return isolated(*arguments)


def pool_again(work: Path, url: str, other: str) -> tuple[float, float, int]:
    """The second import of the same relationships, in a process of its own."""
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.apply(child, ((work, url, other, "relationships.yaml"),))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as name:
        work = Path(name)
        work.chmod(0o755)
        write_files(work, options.rows, options.items, options.seed)
        server = EmbeddedPostgres(work / "postgres")
        server.start(("stackflow", "requirements"), {"max_wal_size": "4GB"})
        try:
            url, other = server.url("stackflow"), server.url("requirements")
            migrate("main", url)
            migrate("requirements", other)
            with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
                for mapping in ("items.yaml", "relationships.yaml"):
                    if mapping == "relationships.yaml":
                        with psycopg.connect(url, autocommit=True) as connection:
                            connection.execute("CHECKPOINT")
                    seconds, memory, created = pool.apply(child, ((work, url, other, mapping),))
                    rate = f"{created / seconds:,.0f}/s"
                    print(f"{mapping}: {created:,} created in {seconds:.2f} s, {rate}, peak {memory:.0f} MiB")
                rows = dump(url, work / "final.copy")
                bare = min(bare_copy(url, work / "final.copy") for _ in range(2))
                print(f"bare COPY: {rows:,} rows in {bare:.2f} s, {rows / bare:,.0f}/s")
                seconds_again, memory, created = pool_again(work, url, other)
                print(f"the same again: {created:,} created in {seconds_again:.2f} s, peak {memory:.0f} MiB")
                print(f"import at {bare / seconds:.2f} of the speed of bare COPY")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
