"""What must be true after the last fault, asked of the tables, of the graph, and of the servers with their caches."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg

from datasources.aurora.driver.database import Database
from datasources.config import GraphSettings
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.completeness import GremlinCompletenessMarker
from datasources.graph.gremlin.projection import GremlinProjection
from resolvers.projection.check import check
from tests.faults.client import Client
from tests.faults.stores import Service
from tests.faults.writer import Writer

PAGE = 100
READ = """query ($ids: [ID!]!) { nodes(ids: $ids) {
    ... on ConfigurationItem { id name status attributes version }
    ... on Relationship { id attributes version }
    ... on Incident { id title state version }
    ... on Change { id title changeState: state version }
} }"""


class Proof:
    """Looks at the stores of a service past the service itself."""

    def __init__(self, service: Service, writers: Sequence[Writer]) -> None:
        self._service = service
        self._writers = writers

    async def converged(self, since: float, seconds: float) -> float:
        """Seconds until no event waits, no row of the outbox does, and the graph is whole. It is equal to the tables
        then, for nobody writes to it any more; how long it takes to see that does not count."""
        main = Database("main", self._service.main.url("stackflow"))
        client = GremlinClient(GraphSettings(url=self._service.graph.url))
        try:
            while True:
                waiting = (*self._waiting(), not await GremlinCompletenessMarker(client).is_complete())
                took = time.monotonic() - since
                if not any(waiting):
                    break
                assert took < seconds, f"after {took:.1f} s: events, rows, refused rows, emptied: {waiting}"
                await asyncio.sleep(0.1)
            assert (await check(main, GremlinProjection(client))).differences == 0
            assert took < seconds, f"only after {took:.1f} s"
            return took
        finally:
            await main.close()
            await client.close()

    def _waiting(self) -> tuple[int, ...]:
        [(events,)] = self._rows("SELECT count(*) FROM queue_messages", queue=True)
        [(rows, refused)] = self._rows(
            "SELECT count(*) FILTER (WHERE refused = ''), count(*) FILTER (WHERE refused <> '') "
            "FROM outbox WHERE NOT projected"
        )
        return events, rows, refused

    def exactly_once(self) -> None:
        """Every acknowledged write is there, and none twice."""
        self._items()
        self._edges()
        for table, entity in (("incidents", "INCIDENT"), ("changes", "CHANGE")):
            self._records(table, entity)
        keys = sum(writer.model.keys for writer in self._writers)
        assert self._rows("SELECT count(*) FROM idempotent_answers") == [(keys,)]
        # One step of the outbox for each version of a row, also of rows that are gone.
        assert self._rows("SELECT entity_id, change, count(*) FROM outbox WHERE change <> 'CHANGED' "
                          "GROUP BY 1, 2 HAVING count(*) > 1") == []  # fmt: skip

    def _items(self) -> None:
        expected = {
            _uuid(id): (each.name, each.class_key, each.status, each.attributes, each.version)
            for writer in self._writers
            for id, each in writer.model.items.items()
        }
        shared: Counter[str] = Counter()
        for writer in self._writers:
            shared.update({_uuid(id): count for id, count in writer.model.shared.items()})
        found = {
            str(id): rest
            for id, *rest in self._rows(
                "SELECT id, name, class_key, status, attributes, version FROM configuration_items i "
                "WHERE NOT EXISTS (SELECT FROM configuration_item_keys k WHERE k.configuration_item_id = i.id)"
            )
        }
        versions = {id: found.pop(id)[-1] for id in list(found) if id not in expected}
        assert {id: tuple(each) for id, each in found.items()} == expected
        assert {id: version - 1 for id, version in versions.items() if version > 1} == dict(shared)
        audited = self._audited("CONFIGURATION_ITEM")
        for id, each in expected.items():
            assert audited[id] == each[-1]

    def _edges(self) -> None:
        expected = {
            _uuid(id): (_uuid(each.from_id), _uuid(each.to_id), each.attributes, each.version)
            for writer in self._writers
            for id, each in writer.model.edges.items()
        }
        found = self._rows("SELECT id, from_id, to_id, attributes, version FROM relationships WHERE source = 'manual'")
        assert {str(id): (str(one), str(two), *rest) for id, one, two, *rest in found} == expected
        audited = self._audited("RELATIONSHIP")
        for id, each in expected.items():
            assert audited[id] == each[-1]

    def _records(self, table: str, entity: str) -> None:
        expected = {
            _uuid(id): (each.title, each.state, each.version)
            for writer in self._writers
            for id, each in getattr(writer.model, table).items()
        }
        found = self._rows(f"SELECT id, title, state, version FROM {table}")
        assert {str(id): tuple(rest) for id, *rest in found} == expected
        audited = self._audited(entity)
        assert audited == {id: each[-1] for id, each in expected.items()}

    def _audited(self, entity: str) -> dict[str, int]:
        return {
            str(id): count
            for id, count in self._rows(
                f"SELECT entity_id, count(*) FROM audit_entries WHERE entity = '{entity}' GROUP BY 1"
            )
        }

    def one_effect(self) -> None:
        """Every event had its effect, the newest of each entity counts, and what can't work is a dead letter once."""
        dead = self._rows("SELECT (body::jsonb) ->> 'id', attempt, reason FROM dead_letters", queue=True)
        unusable = Counter(each["id"] for writer in self._writers for each in writer.story.unusable)
        assert Counter(id for id, _, _ in dead) == unusable, dead
        for writer in self._writers:
            story = writer.story
            found = self._rows(
                "SELECT k.key, i.name, i.class_key, i.status, i.attributes FROM configuration_item_keys k "
                f"JOIN configuration_items i ON i.id = k.configuration_item_id WHERE k.source = 'events-{story.number}'"
            )
            assert {key: tuple(rest) for key, *rest in found} == story.items()
            edges = self._rows(
                "SELECT f.key, t.key, r.attributes FROM relationships r "
                "JOIN configuration_item_keys f ON f.configuration_item_id = r.from_id "
                "JOIN configuration_item_keys t ON t.configuration_item_id = r.to_id "
                f"WHERE r.source = '{story.source}'"
            )
            assert {(one, two): attributes for one, two, attributes in edges} == story.relationships()
            received = self._rows(f"SELECT id FROM received_events WHERE source = '{story.source}'")
            assert {id for (id,) in received} == story.told.keys()
        # Each version of what events made was audited once.
        assert self._rows(
            "SELECT i.id FROM configuration_items i JOIN configuration_item_keys k ON k.configuration_item_id = i.id "
            "WHERE i.version <> (SELECT count(*) FROM audit_entries a WHERE a.entity_id = i.id)"
        ) == []  # fmt: skip

    async def caches_tell_the_rows(self, seed: int) -> int:
        """Read everything through both servers, twice, so that the second time comes out of the cache; how many."""
        rows = {
            f"ci_{id}": {"name": name, "status": status, "attributes": attributes, "version": version}
            for id, name, status, attributes, version in self._rows(
                "SELECT id, name, status, attributes, version FROM configuration_items"
            )
        }
        rows |= {
            f"rel_{id}": {"attributes": attributes, "version": version}
            for id, attributes, version in self._rows("SELECT id, attributes, version FROM relationships")
        }
        for prefix, table, name in (("inc", "incidents", "state"), ("chg", "changes", "changeState")):
            rows |= {
                f"{prefix}_{id}": {"title": title, name: state, "version": version}
                for id, title, state, version in self._rows(f"SELECT id, title, state, version FROM {table}")
            }
        client = Client(self._service.addresses, f"proof {seed}")
        for address in self._service.addresses * 2:
            for some in _batched(list(rows)):
                shown = await client.ask(READ, "nodes", address=address, ids=some)
                assert shown == [{"id": id} | rows[id] for id in some]
        await client.close()
        return len(rows)

    def _rows(self, text: str, *, queue: bool = False) -> list[Any]:
        server = self._service.queue if queue else self._service.main
        with psycopg.connect(server.url("stackflow")) as connection:
            return connection.execute(text.encode()).fetchall()


def _batched(all: list[str]) -> list[list[str]]:
    return [all[begin : begin + PAGE] for begin in range(0, len(all), PAGE)]


def _uuid(id: str) -> str:
    return id.rpartition("_")[2]
