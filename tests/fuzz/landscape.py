"""What generated requests name: ids with their versions, and keys, as the service shows them."""

import random
from dataclasses import dataclass, field
from typing import Any

import httpx

ASK = """{
  configurationItems(first: 100) { nodes { __typename id version keys { source key } } }
  incidents(first: 100) { nodes { __typename id version number } }
  changes(first: 100) { nodes { __typename id version number } }
  requirements(first: 50) { nodes { __typename id version key } }
  teams(first: 50) { nodes { __typename id version key } }
  users(first: 50) { nodes { __typename id key } }
  documents(first: 20) { nodes { __typename id key } }
  workflows(first: 50) { nodes { __typename id version key steps { key } } }
  workflowRuns(first: 50) { nodes { __typename id version number } }
  configurationItemClasses { __typename key }
  relationshipTypes { __typename key }
}"""


@dataclass
class Landscape:
    """Versions by id of each GraphQL type, and keys by what they are keys of."""

    versions: dict[str, dict[str, int]] = field(default_factory=dict)
    keys: dict[str, list[Any]] = field(default_factory=dict)

    async def read(self, client: httpx.AsyncClient) -> None:
        """As it is now; asserts that every list can be read."""
        reply = await client.post("/graphql", json={"query": ASK})
        body = reply.json()
        codes = {each["extensions"]["code"] for each in body.get("errors", [])}
        assert reply.status_code == 200, body
        # A value that a store holds and that can't be shown is an error of its field alone.
        assert not codes - {"VALUE_UNREADABLE"}, body["errors"]
        self.keys.clear()
        self.note(body["data"])

    def note(self, data: Any) -> None:
        """Take in what an answer shows."""
        if isinstance(data, list):
            for each in data:
                self.note(each)
        if not isinstance(data, dict):
            return
        kind = data.get("__typename", "")
        if kind and "id" in data:
            self.versions.setdefault(kind, {})[data["id"]] = data.get("version") or 0
        for name in ("key", "number"):
            if kind and name in data:
                self.keys.setdefault(kind, []).append(data[name])
        for name, value in data.items():
            if kind in ("ConfigurationItem", "Workflow") and name in ("keys", "steps"):
                self.keys.setdefault(kind + "." + name, []).extend(value or [])
            else:
                self.note(value)

    def id(self, kind: str, chance: random.Random) -> str | None:
        """The id of one of a type; None if there is none yet."""
        known = self.versions.get(kind)
        return chance.choice(list(known)) if known else None

    def key(self, kind: str, chance: random.Random) -> Any:
        """A key of one of a type; None if there is none yet."""
        known = self.keys.get(kind)
        return chance.choice(known) if known else None
