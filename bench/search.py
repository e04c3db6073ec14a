"""Searches with typing errors in a large landscape, compared with a bare trigram query: `python -m bench.search`.

Prints the shares of hits in first place and among the first ten, and latencies. The figures are of one run: compare the
shares and the ratio.
"""

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from datasources.aurora.driver.database import Database
from datasources.aurora.search.search import search_main
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.queries import Scope
from datasources.records.search import SearchKind, SearchQuery
from workers.migrations import migrate

ITEMS = 60_000
SHORT = 300
ERRORS = 400
SEED = 1
PARTS = (
    "payment", "server", "database", "cluster", "gateway", "storage", "backup", "billing", "customer", "production",
    "europe", "frankfurt", "replica", "primary", "monitor", "network", "switch", "virtual", "machine", "service",
)  # fmt: skip
SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu", "gra", "ster", "plo", "kin", "del")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# A minimal query for similar names.
BARE = b"""
SELECT name FROM configuration_items WHERE name %%> %(text)s
ORDER BY word_similarity(%(text)s, name) DESC LIMIT 10
"""


def names(random_: random.Random) -> tuple[list[str], list[str]]:
    """Return short names of 5 to 9 letters, and long ones that contain the same trigrams."""
    short: set[str] = set()
    while len(short) < SHORT:
        name = "".join(random_.choices(SYLLABLES, k=4))[: random_.randint(5, 9)]
        short.add(name)
    long_ = []
    for number in range(ITEMS - SHORT):
        middle = "".join(random_.choices(SYLLABLES, k=3))
        long_.append("-".join([*random_.choices(PARTS, k=3), middle, f"{number:05}"]))
    return sorted(short), long_


def misspelt(random_: random.Random, name: str, kind: str) -> str:
    """Return the name with one letter missing, changed, added, or swapped with the next."""
    at = random_.randrange(len(name) - 1)
    letter = random_.choice(LETTERS)
    return {
        "missing": name[:at] + name[at + 1 :],
        "changed": name[:at] + letter + name[at + 1 :],
        "added": name[:at] + letter + name[at:],
        "swapped": name[:at] + name[at + 1] + name[at] + name[at + 2 :],
    }[kind]


async def measure(url: str, short: list[str], long_: list[str], random_: random.Random) -> None:
    """Print the figures of short and of long names."""
    database = Database("main", url, statement_timeout=60)
    bare = await psycopg.AsyncConnection.connect(url, autocommit=True)
    scope = Scope(sees_restricted=True)
    for label, chosen in (("short", short), ("long", long_)):
        places: dict[str, list[int]] = {}
        spans: list[float] = []
        bares: list[float] = []
        for number in range(ERRORS):
            kind = ("missing", "changed", "added", "swapped")[number % 4]
            name = random_.choice(chosen)
            text = misspelt(random_, name, kind)
            begin = time.perf_counter()
            hits = await search_main(database, SearchQuery(text, (SearchKind.CONFIGURATION_ITEM,), 10), scope)
            spans.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            await (await bare.execute(BARE, {"text": text})).fetchall()
            bares.append(time.perf_counter() - begin)
            titles = [hit.title for hit in hits]
            places.setdefault(kind, []).append(titles.index(name) if name in titles else 99)
        every = [place for some in places.values() for place in some]
        by_kind = ", ".join(
            f"{kind} {sum(place < 10 for place in some) / len(some):.0%}" for kind, some in places.items()
        )
        p95, bare_p95 = (statistics.quantiles(each, n=20)[-1] * 1_000 for each in (spans, bares))
        print(
            f"{label}: first {sum(place == 0 for place in every) / len(every):.1%}, "
            f"first ten {sum(place < 10 for place in every) / len(every):.1%} ({by_kind}); "
            f"p95 {p95:.1f} ms, bare {bare_p95:.1f} ms, ratio {p95 / bare_p95:.2f}"
        )
    await bare.close()
    await database.close()


def main() -> None:
    """Measure on a new server with 60,000 items."""
    random_ = random.Random(SEED)
    short, long_ = names(random_)
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("bench",), {"fsync": "off"})
        try:
            url = server.url("bench")
            migrate("main", url)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("INSERT INTO configuration_item_classes VALUES ('server', NULL, 'Server', '')")
                with connection.cursor().copy("COPY configuration_items (id, name, class_key) FROM STDIN") as copy:
                    for number, name in enumerate([*short, *long_]):
                        copy.write_row((f"00000000-0000-4000-8000-{number:012x}", name, "server"))
                connection.execute("CREATE INDEX bare ON configuration_items USING gin (name gin_trgm_ops)")
                connection.execute("VACUUM ANALYZE configuration_items")
            asyncio.run(measure(url, short, long_, random_))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
