"""A plain in-memory model of the whole: items, relationships and incidents, and what events make of them."""

from dataclasses import dataclass, field, replace
from typing import Any

from resolvers.incidents.state_machine import STATE_MACHINE

# By which an event is newer than another: its moment, and then its id.
Mark = tuple[str, str]
Code = tuple[str, str | None]
Ends = tuple[str, str]
NEVER: Mark = ("", "")


@dataclass(frozen=True)
class Thing:
    """An item, a relationship or an incident as it is shown; `ends` of a relationship."""

    id: str
    name: str
    status: str
    attributes: dict[str, Any]
    version: int = 1
    ends: tuple[str, str] = ("", "")


@dataclass
class World:
    """Everything by global id. Each change of a thing is one version of it."""

    things: dict[str, Thing] = field(default_factory=dict)
    # Of things that are gone too.
    changes: dict[str, list[str]] = field(default_factory=dict)

    def of(self, prefix: str) -> list[Thing]:
        """Things of one kind, in the order in which they were made."""
        return [thing for id, thing in self.things.items() if id.startswith(f"{prefix}_")]

    def make(self, thing: Thing) -> None:
        """Something new."""
        assert thing.id not in self.changes
        self.things[thing.id] = thing
        self.changes[thing.id] = ["CREATED"]

    def change(self, thing: Thing, **values: Any) -> None:
        """One version further, if anything differs."""
        after = replace(thing, **values)
        if after != thing:
            self.step(after)

    def step(self, thing: Thing) -> None:
        """One version further, come what may."""
        self.things[thing.id] = replace(thing, version=thing.version + 1)
        self.changes[thing.id].append("CHANGED")

    def remove(self, thing: Thing) -> None:
        """It is gone."""
        del self.things[thing.id]
        self.changes[thing.id].append("DELETED")

    def between(self, one: str, two: str, source: str) -> Thing | None:
        """The relationship of these ends that a source told of."""
        found = [each for each in self.of("rel") if (each.ends, each.name) == ((one, two), source)]
        return found[0] if found else None

    def edges(self) -> set[Ends]:
        """From whom to whom relationships lead."""
        return {each.ends for each in self.of("rel")}

    def stepping(self, incident: Thing, mutation: str) -> list[Code]:
        """What taking a step says, the step taken if it is legal."""
        step = STATE_MACHINE.transitions[mutation]
        if incident.status not in step.origins:
            return [("ILLEGAL_STATE", None)]
        self.step(replace(incident, status=step.targets[0] if step.targets else incident.status))
        return []


def reached(edges: set[Ends], start: str, depth: int) -> list[tuple[int, str]]:
    """Breadth first along edges: depth and id, the start left out."""
    depths = {start: 0}
    for level in range(depth):
        for one, two in sorted(edges):
            if depths.get(one) == level:
                depths.setdefault(two, level + 1)
    return sorted((at, id) for id, at in depths.items() if at)


@dataclass
class Told:
    """What one source said by events: what counts of it, by key of an item or keys of the ends of a relationship."""

    # What said events of these ids, of those that had an effect or came too late for one.
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    upserted: dict[Any, Mark] = field(default_factory=dict)
    ended: dict[Any, Mark] = field(default_factory=dict)

    def take(self, event: dict[str, Any], items: dict[str, Any], edges: dict[Ends, Any]) -> bool:
        """Its effect on the values of items and relationships by key; false for what can't work."""
        id = event["id"]
        if id in self.said:
            return self.said[id] == event
        data, mark = event["data"], (event["time"], id)
        entity: Any = data["item"]["key"] if "item" in data else (data["from"]["key"], data["to"]["key"])
        kind = event["type"].rpartition(".")[2]
        upserted, ended = self.upserted.get(entity, NEVER), self.ended.get(entity, NEVER)
        if kind == "upserted" and "item" in data and mark > upserted:
            self.upserted[entity] = mark
            status = "RETIRED" if mark < ended else data["status"]
            items[entity] = {"name": data["name"], "status": status, "attributes": data["attributes"]}
        elif kind == "upserted" and "item" not in data and mark > upserted and mark >= ended:
            if not set(entity) <= items.keys():
                # Not kept as said: it may be told again.
                return False
            self.upserted[entity] = mark
            edges[entity] = {"attributes": data["attributes"]}
        elif kind != "upserted" and mark > ended:
            self.ended[entity] = mark
            if mark >= upserted and kind == "retired" and entity in items:
                items[entity] = items[entity] | {"status": "RETIRED"}
            elif mark >= upserted and kind == "removed":
                edges.pop(entity, None)
        self.said[id] = event
        return True
