"""One of the writers: mutations and events from its own seed, each acknowledged before the next begins."""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.faults.client import Client
from tests.faults.events import STATUSES, Story
from tests.faults.model import Edge, Item, Model, Record

# Steps of an incident: from which state, to which.
STEPS = {
    "startIncident": ("NEW", "IN_PROGRESS"),
    "holdIncident": ("IN_PROGRESS", "ON_HOLD"),
    "resumeIncident": ("ON_HOLD", "IN_PROGRESS"),
    "resolveIncident": ("IN_PROGRESS", "RESOLVED"),
    "reopenIncident": ("RESOLVED", "IN_PROGRESS"),
    "closeIncident": ("RESOLVED", "CLOSED"),
}
BATCH = 20
BULK = 20


class Writer:
    """Does what its seed says until it has sent so many mutations and events. `shared` are items of all writers."""

    def __init__(self, number: int, seed: int, count: int, addresses: Sequence[str], shared: Sequence[str]) -> None:
        self.model = Model()
        self.sent = 0
        # Reads that gave an older version than the one that was acknowledged to this writer before.
        self.stale = 0
        self.story = Story(number, random.Random(f"events {seed} {number}"))
        self.client = Client(addresses, f"client {seed} {number}")
        self._number = number
        self._draw = random.Random(f"writer {seed} {number}")
        self._count = count
        self._shared = shared
        self._last = 0
        self._kept: tuple[str, str, dict[str, Any], dict[str, Any]] | None = None

    async def run(self, told: Callable[[], None]) -> None:
        """All of it. `told` is called after each call."""
        chances: dict[Callable[[], Awaitable[None]], int] = {
            self._create: 12, self._update: 22, self._retire_or_restore: 7, self._relate: 14, self._rewrite: 4,
            self._unrelate: 4, self._create_many: 1, self._relate_many: 1, self._open: 5, self._step: 12,
            self._propose: 3, self._change: 4, self._update_shared: 5, self._too_late: 2, self._again: 3,
            self._other_input: 1, self._tell: 6,
        }  # fmt: skip
        while self.sent < self._count:
            [act] = self._draw.choices(list(chances), list(chances.values()))
            await act()
            told()

    async def _do(self, mutation: str, **input: Any) -> dict[str, Any]:
        """What a mutation that must be done says: never refused, for nobody else writes what it writes."""
        self._last += 1
        key = f"w{self._number}-{self._last}"
        payload = await self.client.mutate(mutation, key, input)
        assert payload["userErrors"] == [], (mutation, input, payload)
        self.sent += 1
        self.model.keys += 1
        self._kept = (mutation, key, input, payload)
        return payload

    async def _create(self) -> None:
        given = self._values()
        made = (await self._do("createConfigurationItem", **given))["configurationItem"]
        item = self.model.items[made["id"]] = _item(made["id"], given)
        _same(item, made)

    async def _create_many(self) -> None:
        given = [self._values() for _ in range(BULK)]
        ids = (await self._do("createConfigurationItemsInBulk", items=given, mode="ALL_OR_NOTHING"))["ids"]
        assert len(ids) == BULK
        self.model.items |= {id: _item(id, each) for id, each in zip(ids, given, strict=True)}

    def _values(self) -> dict[str, Any]:
        number = len(self.model.items)
        return {
            "name": f"item {self._number} {number} {self._draw.randrange(10**9)}",
            "classKey": self._draw.choice(("service", "host")),
            "status": self._draw.choice(STATUSES),
            "attributes": {"at": self._draw.randrange(1_000)},
        }

    async def _update(self) -> None:
        alive = self.model.alive()
        if not alive:
            return
        item = self._draw.choice(alive)
        # Another name than any before: an update that changes nothing would make no version.
        values = {"name": f"item {self._number} again {self._last}", "attributes": {"at": self._draw.randrange(1_000)}}
        look, troubles = self._draw.random() < 0.2, self.client.troubles.total()
        await self._item("updateConfigurationItem", item, values, **values)
        # A call that was repeated may have been committed by one that died before it made cached values misses.
        if look or self.client.troubles.total() > troubles:
            await self._look(item.id)

    async def _look(self, id: str) -> None:
        shown = await self.client.ask("query ($id: ID!) { configurationItem(id: $id) { version } }",
                                      "configurationItem", id=id)  # fmt: skip
        self.stale += shown is None or shown["version"] < self.model.items[id].version

    async def _retire_or_restore(self) -> None:
        if not self.model.items:
            return
        item = self._draw.choice(list(self.model.items.values()))
        if item.status == "RETIRED":
            await self._item("restoreConfigurationItem", item, {"status": "ACTIVE"})
        else:
            await self._item("retireConfigurationItem", item, {"status": "RETIRED"})

    async def _item(self, mutation: str, item: Item, values: dict[str, Any], **input: Any) -> None:
        made = await self._do(mutation, id=item.id, expectedVersion=item.version, **input)
        self.model.put_item(item, **values)
        _same(self.model.items[item.id], made["configurationItem"])

    def _ends(self, taken: set[tuple[str, str]]) -> tuple[str, str] | None:
        alive = self.model.alive()
        if len(alive) < 2:
            return None
        one, two = self._draw.sample(alive, 2)
        return None if (one.id, two.id) in taken else (one.id, two.id)

    def _taken(self) -> set[tuple[str, str]]:
        return {(edge.from_id, edge.to_id) for edge in self.model.edges.values()}

    async def _relate(self) -> None:
        ends = self._ends(self._taken())
        if ends is None:
            return
        attributes = {"at": self._draw.randrange(1_000)}
        made = await self._do(
            "relateConfigurationItems", fromId=ends[0], toId=ends[1], typeKey="depends_on", attributes=attributes
        )
        id = made["relationship"]["id"]
        assert id not in self.model.edges
        self.model.edges[id] = Edge(id, *ends, attributes)

    async def _relate_many(self) -> None:
        taken = self._taken()
        found: list[tuple[str, str]] = []
        for _ in range(BULK):
            ends = self._ends(taken)
            if ends is not None:
                found.append(ends)
                taken.add(ends)
        if not found:
            return
        items = [{"fromId": one, "toId": two, "typeKey": "depends_on"} for one, two in found]
        ids = (await self._do("relateConfigurationItemsInBulk", items=items, mode="PER_ITEM"))["ids"]
        assert len(ids) == len(found)
        self.model.edges |= {id: Edge(id, *ends, {}) for id, ends in zip(ids, found, strict=True)}

    async def _rewrite(self) -> None:
        if not self.model.edges:
            return
        edge = self._draw.choice(list(self.model.edges.values()))
        attributes = {"again": self._last}
        made = await self._do("updateRelationship", id=edge.id, expectedVersion=edge.version, attributes=attributes)
        self.model.put_edge(edge, attributes=attributes)
        assert made["relationship"]["version"] == edge.version + 1

    async def _unrelate(self) -> None:
        if not self.model.edges:
            return
        edge = self._draw.choice(list(self.model.edges.values()))
        await self._do("unrelateConfigurationItems", id=edge.id, expectedVersion=edge.version)
        del self.model.edges[edge.id]

    async def _open(self) -> None:
        title = f"incident {self._number} {self._last}"
        affected = [item.id for item in self._draw.sample(self.model.alive(), min(2, len(self.model.alive())))]
        made = (await self._do("openIncident", title=title, affectedIds=affected))["incident"]
        self._took(self.model.incidents, Record(made["id"], title, "NEW"), made)

    async def _step(self) -> None:
        if not self.model.incidents:
            return
        incident = self._draw.choice(list(self.model.incidents.values()))
        steps = [name for name, (before, _) in STEPS.items() if before == incident.state]
        mutation = self._draw.choice(["addIncidentNote", *steps])
        more: dict[str, Any] = {}
        if mutation == "addIncidentNote":
            more = {"note": f"note {self._last}"}
        elif mutation == "resolveIncident":
            more = {"resolutionCode": "WORKAROUND", "resolution": "begun anew"}
        made = await self._do(mutation, id=incident.id, expectedVersion=incident.version, **more)
        state = STEPS[mutation][1] if mutation in STEPS else incident.state
        after = Record(incident.id, incident.title, state, incident.version + 1)
        self._took(self.model.incidents, after, made["incident"])

    async def _propose(self) -> None:
        title = f"change {self._number} {self._last}"
        made = (await self._do("proposeChange", title=title))["change"]
        self._took(self.model.changes, Record(made["id"], title, "PROPOSED"), made)

    async def _change(self) -> None:
        open = [each for each in self.model.changes.values() if each.state == "PROPOSED"]
        if not open:
            return
        change = self._draw.choice(open)
        if self._draw.random() < 0.3:
            made = await self._do("cancelChange", id=change.id, expectedVersion=change.version)
            after = Record(change.id, change.title, "CANCELLED", change.version + 1)
        else:
            title = f"change {self._number} again {self._last}"
            made = await self._do("updateChange", id=change.id, expectedVersion=change.version, title=title)
            after = Record(change.id, title, "PROPOSED", change.version + 1)
        self._took(self.model.changes, after, made["change"])

    @staticmethod
    def _took(records: dict[str, Record], record: Record, shown: dict[str, Any]) -> None:
        assert shown == {"id": record.id, "title": record.title, "state": record.state, "version": record.version}
        records[record.id] = record

    async def _update_shared(self) -> None:
        """Against the other writers: what lost the race looks again."""
        id = self._draw.choice(self._shared)
        version = 1
        while True:
            self._last += 1
            given = {"id": id, "expectedVersion": version, "attributes": {"by": f"{self._number} {self._last}"}}
            made = await self.client.mutate("updateConfigurationItem", f"w{self._number}-{self._last}", given)
            if not made["userErrors"]:
                break
            assert [each["code"] for each in made["userErrors"]] == ["CONFLICT"]
            version = made["configurationItem"]["version"]
        self.sent += 1
        self.model.keys += 1
        self.model.shared[id] = self.model.shared.get(id, 0) + 1

    async def _too_late(self) -> None:
        if not self.model.items:
            return
        item = self._draw.choice(list(self.model.items.values()))
        wrong = item.version + self._draw.choice((-1, 1))
        self._last += 1
        given = {"id": item.id, "expectedVersion": wrong, "name": "never"}
        made = await self.client.mutate("updateConfigurationItem", f"w{self._number}-{self._last}", given)
        assert [each["code"] for each in made["userErrors"]] == ["CONFLICT"]
        _same(item, made["configurationItem"])
        self.sent += 1

    async def _again(self) -> None:
        """A call that was answered, once more: the same ids, and nothing is done."""
        if self._kept is None:
            return
        mutation, key, input, before = self._kept
        made = await self.client.mutate(mutation, key, input)
        assert (made["userErrors"], _ids(made)) == ([], _ids(before)), (mutation, before, made)
        self.sent += 1

    async def _other_input(self) -> None:
        if self._kept is None:
            return
        given = {"name": "never", "classKey": "service"}
        made = await self.client.mutate("createConfigurationItem", self._kept[1], given)
        assert [each["code"] for each in made["userErrors"]] == ["KEY_REUSED"]
        self.sent += 1

    async def _tell(self) -> None:
        events = self.story.batch(BATCH)
        assert await self.client.send(events) == len(events)
        self.sent += len(events)


def _item(id: str, given: dict[str, Any]) -> Item:
    return Item(id, given["name"], given["classKey"], given["status"], given["attributes"])


def _same(item: Item, shown: dict[str, Any]) -> None:
    told = (shown["id"], shown["name"], shown["classKey"], shown["status"], shown["attributes"], shown["version"])
    expected = (item.id, item.name, item.class_key, item.status, item.attributes, item.version)
    assert told == expected, (told, expected)


def _ids(payload: dict[str, Any]) -> list[str]:
    """The ids that a payload is about; none of what is gone by now."""
    found: list[str] = []
    for name, value in payload.items():
        if name == "ids":
            found += value
        elif name == "id":
            found.append(value)
        elif isinstance(value, dict):
            found.append(value["id"])
    return found
