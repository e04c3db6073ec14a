"""Mutations, events, rounds of the workers, lost caches and new processes in any order, beside the plain model."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from datasources.config import DocumentLimits
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.queues.factory import open_queues
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.context import Context
from resolvers.events.ingest import ingest_events
from resolvers.incidents.state_machine import STATE_MACHINE
from resolvers.principals.principal import development_principal
from resolvers.projection.follow import OutboxProjector
from schema.execution.execution import GraphQLRequest, execute_request
from tests.faults.client import document
from tests.faults.world import Code, Ends, Thing, Told, World, reached
from tests.fixtures.events import event, key, prepare
from workers.events import process_batch

T = TypeVar("T")

DEPTH = 3
READ = """query ($ids: [ID!]!, $depth: Int!) { nodes(ids: $ids) { id
    ... on ConfigurationItem { name status attributes version
        dependencies(depth: $depth, first: 100) { edges { depth node { id } } } }
    ... on Relationship { source attributes version }
    ... on Incident { title state version }
} }"""
SINCE = """query ($cursor: String) {
    changesSince(cursor: $cursor, first: 7) { entries { step id } endCursor hasMore } }"""

NAMES, ATTRIBUTES = st.sampled_from("ab"), st.sampled_from([{}, {"a": 1}, {"b": [2]}])
STATUSES = st.sampled_from(["ACTIVE", "PLANNED"])
# How far the version that a step expects is from the one there is.
STALE = st.sampled_from([0, 0, 0, 0, 1])
KEYS, TIMES = st.sampled_from(["k0", "k1", "k2"]), st.integers(0, 5)
INCIDENT_STEPS = st.sampled_from(
    sorted(
        name
        for name in STATE_MACHINE.transitions
        if name not in {"updateIncident", "assignIncident"} and "Items" not in name
    )
)


@dataclass(frozen=True)
class Answered:
    """A call under an idempotency key that was done, and the ids that it told."""

    mutation: str
    key: str
    input: dict[str, Any]
    ids: list[Any]


class Whole(RuleBasedStateMachine):
    """Two processes on the same stores: one that writes, and one that reads and works."""

    url: str
    loop: asyncio.AbstractEventLoop
    opened: Callable[[], Sources]
    flush: Callable[[], None]

    def __init__(self) -> None:
        super().__init__()
        self.world, self.told = World(), Told()
        # What events made: ids by key, or by keys of ends; and how many can't work.
        self.items: dict[str, str] = {}
        self.edges: dict[Ends, str] = {}
        self.dead = 0
        # What the graph holds: the relationships as of the last round.
        self.projected: set[Ends] = set()
        self.sent: list[dict[str, Any]] = []
        self.queued: list[dict[str, Any]] = []
        # What was sent in the last five minutes.
        self.remembered: list[dict[str, Any]] = []
        self.answered: list[Answered] = []
        self.sees: int | None = None
        self.calls = 0
        prepare(self.url)
        with psycopg.connect(self.url) as connection:
            connection.execute("TRUNCATE incidents, idempotent_answers CASCADE")
        self.flush()
        self.here, self.there = self.opened(), self.opened()
        assert isinstance(self.here.projection, GremlinProjection)
        self.run(self.here.projection.clear())
        self.cursor = self.ask(self.here, SINCE)["changesSince"]["endCursor"]

    def teardown(self) -> None:
        self.run(self.here.close())
        self.run(self.there.close())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def ask(self, sources: Sources, text: str, call: RequestContext | None = None, **variables: Any) -> Any:
        principal = development_principal(loopback=True, issuer=None)
        assert principal is not None
        context = Context(principal, principal.scope, sources, call or RequestContext())
        body = self.run(execute_request(GraphQLRequest(text, variables), context, DocumentLimits())).body
        assert "errors" not in body, body
        return body["data"]

    def write(self, mutation: str, **input: Any) -> tuple[list[Code], Any]:
        """The codes of a mutation under a key of its own, and what it is about."""
        self.calls += 1
        name = f"key {self.calls}"
        payload = self.send(mutation, input | {"idempotencyKey": name})
        codes = _codes(payload)
        if not codes:
            self.answered.append(Answered(mutation, name, input, _ids(payload)))
        return codes, payload

    def send(self, mutation: str, input: dict[str, Any]) -> Any:
        call = RequestContext()
        payload = self.ask(self.here, document(mutation), call, input=input)[mutation]
        self.sees = call.min_transaction or self.sees
        return payload

    @initialize()
    def begin(self) -> None:
        for name in "ab":
            self.create(name, "ACTIVE", {})

    @rule(name=NAMES, status=STATUSES, attributes=ATTRIBUTES)
    def create(self, name: str, status: str, attributes: dict[str, Any]) -> None:
        given = {"name": name, "classKey": "service", "status": status, "attributes": attributes}
        codes, payload = self.write("createConfigurationItem", **given)
        assert codes == []
        self.world.make(Thing(payload["configurationItem"]["id"], name, status, attributes))

    def step(self, mutation: str, thing: Thing, stale: int, **more: Any) -> list[Code]:
        return self.write(mutation, id=thing.id, expectedVersion=thing.version + stale, **more)[0]

    def item(self, data: st.DataObject) -> Thing:
        return data.draw(st.sampled_from(self.world.of("ci")))

    @rule(data=st.data(), name=NAMES, attributes=ATTRIBUTES, stale=STALE)
    def update(self, data: st.DataObject, name: str, attributes: dict[str, Any], stale: int) -> None:
        item = self.item(data)
        codes = self.step("updateConfigurationItem", item, stale, name=name, attributes=attributes)
        if stale:
            assert codes == [("CONFLICT", "expectedVersion")]
        elif item.status == "RETIRED":
            assert codes == [("ILLEGAL_STATE", "id")]
        else:
            assert codes == []
            self.world.change(item, name=name, attributes=attributes)

    @rule(data=st.data(), stale=STALE)
    def retire_or_restore(self, data: st.DataObject, stale: int) -> None:
        item, retire = self.item(data), data.draw(st.booleans())
        codes = self.step("retireConfigurationItem" if retire else "restoreConfigurationItem", item, stale)
        if stale:
            assert codes == [("CONFLICT", "expectedVersion")]
        elif retire == (item.status == "RETIRED"):
            assert codes == [("ILLEGAL_STATE", "id")]
        else:
            assert codes == []
            self.world.change(item, status="RETIRED" if retire else "ACTIVE")

    @rule(data=st.data(), attributes=ATTRIBUTES)
    def relate(self, data: st.DataObject, attributes: dict[str, Any]) -> None:
        one, two = self.item(data), self.item(data)
        given = {"fromId": one.id, "toId": two.id, "typeKey": "depends_on", "attributes": attributes}
        codes, payload = self.write("relateConfigurationItems", **given)
        wrong = [
            ("ILLEGAL_STATE", name) for name, end in (("fromId", one), ("toId", two)) if end.status == "RETIRED"
        ] + [("INVALID", "toId")] * (one.id == two.id)
        assert codes == wrong
        before = self.world.between(one.id, two.id, "manual")
        if not wrong and before is None:
            id = payload["relationship"]["id"]
            self.world.make(Thing(id, "manual", "", attributes, ends=(one.id, two.id)))
        elif not wrong and before is not None:
            assert payload["relationship"]["id"] == before.id
            self.world.change(before, attributes=attributes)

    @precondition(lambda self: self.world.of("rel"))
    @rule(data=st.data(), stale=STALE)
    def unrelate(self, data: st.DataObject, stale: int) -> None:
        edge = data.draw(st.sampled_from(self.world.of("rel")))
        codes = self.step("unrelateConfigurationItems", edge, stale)
        if stale:
            assert codes == [("CONFLICT", "expectedVersion")]
        else:
            assert codes == []
            self.world.remove(edge)

    @rule(name=NAMES)
    def open_incident(self, name: str) -> None:
        codes, payload = self.write("openIncident", title=name)
        assert codes == []
        self.world.make(Thing(payload["incident"]["id"], name, "NEW", {}))

    @precondition(lambda self: self.world.of("inc"))
    @rule(data=st.data(), mutation=INCIDENT_STEPS, stale=STALE)
    def step_of_incident(self, data: st.DataObject, mutation: str, stale: int) -> None:
        incident = data.draw(st.sampled_from(self.world.of("inc")))
        more = {
            "resolveIncident": {"resolutionCode": "WORKAROUND", "resolution": "anew"},
            "addIncidentNote": {"note": "a note"},
        }.get(mutation, {})
        codes = self.step(mutation, incident, stale, **more)
        if stale:
            assert codes == [("CONFLICT", "expectedVersion")]
        else:
            assert codes == self.world.stepping(incident, mutation)

    @precondition(lambda self: self.answered)
    @rule(data=st.data(), same=st.booleans())
    def call_again(self, data: st.DataObject, same: bool) -> None:
        before = data.draw(st.sampled_from(self.answered))
        if same:
            payload = self.send(before.mutation, before.input | {"idempotencyKey": before.key})
            # What was made may be gone meanwhile; then nothing is shown of it.
            assert (_codes(payload), [id for id in before.ids if id not in _ids(payload)]) in (
                ([], []),
                ([], [id for id in before.ids if id not in self.world.things]),
            )
        else:
            given = {"name": "other", "classKey": "service", "idempotencyKey": before.key}
            assert _codes(self.send("createConfigurationItem", given)) == [("KEY_REUSED", "idempotencyKey")]

    @rule(kind=st.sampled_from(["item.upserted", "item.upserted", "item.retired"]), name=NAMES, item=KEYS,
          seconds=TIMES, status=STATUSES)  # fmt: skip
    def tell_of_item(self, kind: str, name: str, item: str, seconds: int, status: str) -> None:
        more = {"name": name, "class_": "service", "status": status, "attributes": {"a": seconds}}
        self.tell(f"configuration-{kind}", seconds, item=key(item), **(more if kind == "item.upserted" else {}))

    @rule(kind=st.sampled_from(["upserted", "upserted", "removed"]), one=KEYS, two=KEYS, seconds=TIMES)
    def tell_of_relationship(self, kind: str, one: str, two: str, seconds: int) -> None:
        if one != two:
            more = {"attributes": {"a": seconds}} if kind == "upserted" else {}
            ends: dict[str, Any] = {"from_": key(one), "to": key(two), "type": "depends_on"}
            self.tell(f"relationship.{kind}", seconds, **ends, **more)

    def tell(self, kind: str, seconds: float, **data: Any) -> None:
        self.queue(event(f"e{len(self.sent):03}", kind, seconds, **data))

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), other=st.booleans())
    def tell_again(self, data: st.DataObject, other: bool) -> None:
        before = data.draw(st.sampled_from(self.sent))
        if other and "name" in before["data"]:
            before = before | {"data": before["data"] | {"name": "another"}}
        self.queue(before)

    def queue(self, made: dict[str, Any]) -> None:
        accepted = self.run(ingest_events(open_queues(self.here.main).events, [json.dumps(made).encode()], "r"))
        assert (accepted.accepted, accepted.refused) == (1, [])
        self.sent.append(made)
        if made not in self.remembered:
            self.remembered.append(made)
            self.queued.append(made)

    @rule()
    def five_minutes_pass(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("DELETE FROM queue_deduplication")
        self.remembered.clear()

    @precondition(lambda self: self.queued)
    @rule()
    def handle_events(self) -> None:
        """One batch. Several events of one thing are one version of it."""
        assert self.run(process_batch(self.there, open_queues(self.there.main).events)) == len(self.queued)
        items = {name: _values(self.world.things[id]) for name, id in self.items.items()}
        found = {ends: id for ends, id in self.edges.items() if id in self.world.things}
        edges: dict[Ends, Any] = {ends: {"attributes": self.world.things[id].attributes} for ends, id in found.items()}
        self.dead += sum(not self.told.take(each, items, edges) for each in self.queued)
        self.queued.clear()
        for name, values in items.items():
            if name in self.items:
                self.world.change(self.world.things[self.items[name]], **values)
            else:
                [(id,)] = self.rows("SELECT configuration_item_id FROM configuration_item_keys WHERE key = %s", name)
                self.items[name] = f"ci_{id}"
                self.world.make(Thing(f"ci_{id}", **values))
        for ends, id in found.items():
            if ends not in edges:
                self.world.remove(self.world.things[id])
        for ends, values in edges.items():
            one, two = (self.items[name] for name in ends)
            if ends in found:
                self.world.change(self.world.things[found[ends]], **values)
            else:
                pair = one.partition("_")[2], two.partition("_")[2]
                [(id,)] = self.rows(
                    "SELECT id FROM relationships WHERE (from_id, to_id, source) = (%s, %s, '/cmdb')", *pair
                )
                self.edges[ends] = f"rel_{id}"
                self.world.make(Thing(f"rel_{id}", "/cmdb", "", **values, ends=(one, two)))

    def rows(self, text: str, *values: object) -> list[Any]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(text.encode(), values).fetchall()

    @invariant()
    def what_cannot_work_is_a_dead_letter_once(self) -> None:
        assert self.rows("SELECT count(*) FROM dead_letters") == [(self.dead,)]

    @rule()
    def follow(self) -> None:
        self.run(OutboxProjector(self.there).run_until_done())
        self.projected = self.world.edges()

    @rule()
    def lose_the_cache(self) -> None:
        self.flush()

    @rule()
    def begin_anew(self) -> None:
        """The process that writes is killed and started again."""
        self.run(self.here.close())
        self.here = self.opened()

    @invariant()
    def reads_are_the_models(self) -> None:
        """In the other process, by the cache, as of the last round; and by the token, as of the last write."""
        self.same(RequestContext(), self.projected)
        if self.sees is not None:
            self.same(RequestContext(min_transaction=self.sees), self.world.edges())

    def same(self, call: RequestContext, edges: set[Ends]) -> None:
        ids = list(self.world.things)
        shown = self.ask(self.there, READ, call, ids=ids, depth=DEPTH)["nodes"]
        assert shown == [_shown(thing, edges) for thing in self.world.things.values()]

    @rule()
    def replay(self) -> None:
        """What changed since the beginning tells what there is, and in how many versions."""
        cursor, more = self.cursor, True
        changes: dict[str, list[str]] = {}
        while more:
            page = self.ask(self.there, SINCE, cursor=cursor)["changesSince"]
            for each in page["entries"]:
                changes.setdefault(each["id"], []).append(each["step"])
            cursor, more = page["endCursor"], page["hasMore"]
        assert changes == self.world.changes


def _shown(thing: Thing, edges: set[Ends]) -> dict[str, Any]:
    if thing.id.startswith("inc_"):
        return {"id": thing.id, "title": thing.name, "state": thing.status, "version": thing.version}
    rest = {"id": thing.id, "attributes": thing.attributes, "version": thing.version}
    if thing.id.startswith("rel_"):
        return rest | {"source": thing.name}
    walk = [{"depth": depth, "node": {"id": id}} for depth, id in reached(edges, thing.id, DEPTH)]
    return rest | {"name": thing.name, "status": thing.status, "dependencies": {"edges": walk}}


def _values(thing: Thing) -> dict[str, Any]:
    return {"name": thing.name, "status": thing.status, "attributes": thing.attributes}


def _codes(payload: Any) -> list[Code]:
    return [(each["code"], each["field"]) for each in payload["userErrors"]]


def _ids(payload: Any) -> list[Any]:
    return [value["id"] if isinstance(value, dict) else value for name, value in payload.items()
            if name != "userErrors" and value is not None]  # fmt: skip
