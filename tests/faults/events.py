"""Events of one writer, out of order and doubled, and what they must leave: the newest of each entity."""

import json
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fixtures.events import event

STATUSES = ("ACTIVE", "PLANNED", "MAINTENANCE")


@dataclass
class Story:
    """What one source tells. `told` holds each event once, by its id, with the content that counts."""

    number: int
    draw: random.Random
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Those of which each is a dead letter.
    unusable: list[dict[str, Any]] = field(default_factory=list)
    _items: int = 0
    _last: int = 0

    @property
    def source(self) -> str:
        return f"/writer-{self.number}"

    def batch(self, most: int) -> list[dict[str, Any]]:
        """Some events, mostly new ones; each call goes on."""
        return [self._next() for _ in range(self.draw.randint(1, most))]

    def _next(self) -> dict[str, Any]:
        chance = self.draw.random()
        if self.told and chance < 0.08:
            return self.told[self.draw.choice(list(self.told))]
        if self.told and chance < 0.09:
            return self._bad(self._with_other_content())
        if chance < 0.10:
            nobody = {"source": "nobody", "key": "never"}
            return self._bad(self._event("configuration-item.upserted", item=nobody, name="x", class_="no such"))
        made = self._fresh(chance)
        self.told[made["id"]] = made
        return made

    def _fresh(self, chance: float) -> dict[str, Any]:
        if self._items < 2 or chance < 0.40:
            # A third of them about something new.
            number = self._items if self._items < 2 or self.draw.random() < 0.33 else self.draw.randrange(self._items)
            self._items = max(self._items, number + 1)
            return self._event(
                "configuration-item.upserted",
                item=self._key(number),
                name=f"event {self.number} {self.draw.randrange(10**6)}",
                class_=self.draw.choice(("service", "host")),
                status=self.draw.choice(STATUSES),
                attributes={"at": self.draw.randrange(1_000)},
            )
        if chance < 0.50:
            return self._event("configuration-item.retired", item=self._key(self.draw.randrange(self._items)))
        one, two = self.draw.sample(range(self._items), 2)
        ends: dict[str, Any] = {"from_": self._key(one), "to": self._key(two), "type": "depends_on"}
        if chance < 0.88:
            return self._event("relationship.upserted", **ends, attributes={"at": self.draw.randrange(1_000)})
        return self._event("relationship.removed", **ends)

    def _event(self, kind: str, **data: Any) -> dict[str, Any]:
        self._last += 1
        # Some come late, and some share their moment, so that ids decide.
        seconds = max(0, self._last // 3 - (self.draw.randrange(60) if self.draw.random() < 0.2 else 0))
        return event(f"{self.number}-{self._last:06}", kind, seconds, source=self.source, **data)

    def _with_other_content(self) -> dict[str, Any]:
        # Its time stays: an upsert is told from another by what it says.
        first = self.draw.choice([each for each in self.told.values() if each["type"].endswith("upserted")])
        name = "type" if "from" in first["data"] else "name"
        return first | {"data": first["data"] | {name: f"other {len(self.unusable)}"}}

    def _bad(self, made: dict[str, Any]) -> dict[str, Any]:
        self.unusable.append(made)
        return made

    def _key(self, number: int) -> dict[str, str]:
        return {"source": f"events-{self.number}", "key": f"e{number}"}

    def items(self) -> dict[str, tuple[str, str, str, Any]]:
        """By key: name, class, status and attributes."""
        found: dict[str, tuple[str, str, str, Any]] = {}
        upserts, ends = self._newest("item.upserted"), self._newest("item.retired")
        for key, upsert in upserts.items():
            data, end = upsert["data"], ends.get(key)
            status = "RETIRED" if end is not None and _mark(end) > _mark(upsert) else data["status"]
            found[json.loads(key)["key"]] = (data["name"], data["class"], status, data["attributes"])
        return found

    def relationships(self) -> dict[tuple[str, str], Any]:
        """Attributes by keys of the ends."""
        upserts, ends = self._newest("relationship.upserted"), self._newest("relationship.removed")
        return {
            (upsert["data"]["from"]["key"], upsert["data"]["to"]["key"]): upsert["data"]["attributes"]
            for key, upsert in upserts.items()
            if key not in ends or _mark(ends[key]) < _mark(upsert)
        }

    def _newest(self, kind: str) -> dict[str, dict[str, Any]]:
        newest: dict[str, dict[str, Any]] = {}
        for each in sorted(self.told.values(), key=_mark):
            if each["type"].endswith(kind):
                data = each["data"]
                newest[json.dumps(data.get("item") or [data["from"], data["to"]])] = each
        return newest


def _mark(each: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(each["time"]), each["id"]
