"""A large landscape from a seed: items, relationships with one giant cycle, and incidents, loaded by COPY.

Every row is a function of the seed and its number, so that two runs measure the same graph and a benchmark knows the
ids of the items.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

Row = tuple[object, ...]
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

CLASSES = (
    ("ci", None, "Configuration item"),
    ("service", "ci", "Service"),
    ("application", "ci", "Application"),
    ("database", "ci", "Database"),
    ("host", "ci", "Host"),
    ("virtual_machine", "host", "Virtual machine"),
)
LEAVES = ("service", "application", "database", "virtual_machine")
# Key, label, inverse label, and the direction of impact.
TYPES = (
    ("depends_on", "depends on", "is used by", "REVERSE"),
    ("runs_on", "runs on", "runs", "REVERSE"),
    ("feeds", "feeds", "is fed by", "FORWARD"),
)
ENVIRONMENTS = ("PRODUCTION", "STAGING", "TEST", "DEVELOPMENT")
CRITICALITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
STATES = ("NEW", "IN_PROGRESS", "ON_HOLD", "RESOLVED", "CLOSED")


@dataclass(frozen=True, slots=True)
class Landscape:
    """The size: numbers of items, of outgoing relationships of each item, and of incidents."""

    items: int = 100_000
    degree: int = 10
    incidents: int = 200_000
    seed: int = 1


def item_id(number: int) -> str:
    """Return the id of a configuration item, 0 <= number < items. Ids are scattered like real ones, so that neighbours
    in the graph are not neighbours on disk."""
    return _scattered("c", number)


def relationship_id(number: int) -> str:
    """Return the id of a relationship, 0 <= number < items * degree."""
    return _scattered("d", number)


def incident_id(number: int) -> str:
    """Return the id of an incident, 0 <= number < incidents."""
    return _scattered("a", number)


def _scattered(kind: str, number: int) -> str:
    # Multiplication by an odd factor modulo 2^32 is one to one (Knuth, TAOCP 3, section 6.4): ids are unique.
    mixed = number * 2_654_435_761 % 2**32
    return f"{mixed:08x}-0000-4000-8000-{kind}{number:011x}"


def items(landscape: Landscape) -> Iterator[Row]:
    """Yield id, name, class_key, environment, criticality, attributes, valid_from."""
    chance = random.Random(landscape.seed)
    for number in range(landscape.items):
        kind = chance.choice(LEAVES)
        yield (
            item_id(number), f"{kind}-{number:06d}", kind, chance.choice(ENVIRONMENTS),
            chance.choice(CRITICALITIES), "{}", EPOCH,
        )  # fmt: skip


def relationships(landscape: Landscape) -> Iterator[Row]:
    """Yield id, from_id, to_id, type_key, source, impact_from_id, impact_to_id, valid_from.

    Each item has an edge to the next one, which closes a cycle through all of them, and edges to random items.
    """
    chance = random.Random(landscape.seed + 1)
    number = 0
    for tail in range(landscape.items):
        heads = {(tail + 1) % landscape.items}
        while len(heads) < min(landscape.degree, landscape.items):
            heads.add(chance.randrange(landscape.items))
        for head in sorted(heads):
            type_key, _, _, impact = chance.choice(TYPES)
            ends = (item_id(tail), item_id(head))
            yield (
                relationship_id(number), *ends, type_key, "bench",
                *(ends if impact == "FORWARD" else reversed(ends)), EPOCH,
            )  # fmt: skip
            number += 1


def incidents(landscape: Landscape) -> Iterator[Row]:
    """Yield id, number, title, state, impact, urgency, priority, opened_at, attributes."""
    chance = random.Random(landscape.seed + 2)
    for number in range(landscape.incidents):
        impact, urgency = chance.randint(1, 5), chance.randint(1, 5)
        yield (
            incident_id(number), f"INC{number:07d}", f"Alarm {number} on {chance.choice(LEAVES)}",
            chance.choice(STATES), impact, urgency, (impact + urgency + 1) // 2,
            EPOCH + timedelta(seconds=chance.randrange(200 * 86_400)), "{}",
        )  # fmt: skip


def affected(landscape: Landscape) -> Iterator[Row]:
    """Yield incident_id, configuration_item_id, role: one to three items per incident."""
    chance = random.Random(landscape.seed + 3)
    for number in range(landscape.incidents):
        for item in sorted(chance.sample(range(landscape.items), min(chance.randint(1, 3), landscape.items))):
            yield (incident_id(number), item_id(item), "AFFECTED")


def _types(_: Landscape) -> Iterator[Row]:
    return iter(TYPES)


def _classes(_: Landscape) -> Iterator[Row]:
    return iter(CLASSES)


_TABLES: tuple[tuple[str, str, Callable[[Landscape], Iterable[Row]]], ...] = (
    ("configuration_item_classes", "key, parent_key, name", _classes),
    ("relationship_types", "key, label, inverse_label, impact", _types),
    (
        "configuration_items",
        "id, name, class_key, environment, criticality, attributes, valid_from",
        items,
    ),
    (
        "relationships",
        "id, from_id, to_id, type_key, source, impact_from_id, impact_to_id, valid_from",
        relationships,
    ),
    ("incidents", "id, number, title, state, impact, urgency, priority, opened_at, attributes", incidents),
    ("incident_configuration_items", "incident_id, configuration_item_id, role", affected),
)


def load(url: str, landscape: Landscape, each: Callable[[str, int], None] | None = None) -> None:
    """Fill the empty tables of a migrated database, and analyse them. Blocks; about a minute for the default.

    `each` is called with the table and the number of rows sent, every 10,000 rows and at the end of a table.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        for table, columns, rows in _TABLES:
            sent = 0
            with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
                for row in rows(landscape):
                    copy.write_row(row)
                    sent += 1
                    if each is not None and sent % 10_000 == 0:
                        each(table, sent)
            if each is not None:
                each(table, sent)
            connection.execute(f"VACUUM ANALYZE {table}".encode())
