"""A client that gets every call through: it repeats it, under the same key, until it is answered."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx

ITEM = "configurationItem { id name classKey status attributes version }"
EDGE = "relationship { id attributes version }"
INCIDENT = "incident { id title state version }"
CHANGE = "change { id title state version }"
SHOWN = {
    "createConfigurationItem": ITEM,
    "updateConfigurationItem": ITEM,
    "retireConfigurationItem": ITEM,
    "restoreConfigurationItem": ITEM,
    "createConfigurationItemsInBulk": "ids",
    "relateConfigurationItems": EDGE,
    "updateRelationship": EDGE,
    "unrelateConfigurationItems": "id",
    "relateConfigurationItemsInBulk": "ids",
} | dict.fromkeys(
    [
        "openIncident", "updateIncident", "assignIncident", "startIncident", "holdIncident", "resumeIncident",
        "resolveIncident", "reopenIncident", "closeIncident", "cancelIncident", "addIncidentNote",
    ],
    INCIDENT,
) | dict.fromkeys(["proposeChange", "updateChange", "scheduleChange", "cancelChange"], CHANGE)  # fmt: skip

# What a caller may meet while a store is away. Anything else is a fault of the service.
PASSING = {"SOURCE_UNAVAILABLE"}
# Seconds after which a call that is not answered is a fault of the service.
PATIENCE = 90.0


def document(mutation: str) -> str:
    """A mutation by name."""
    kind = mutation[0].upper() + mutation[1:]
    return (
        f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) "
        f"{{ {SHOWN[mutation]} userErrors {{ code field message }} }} }}"
    )


class Client:
    """Calls of one writer, to servers by turns of a die. `troubles` counts what made it repeat a call."""

    def __init__(self, addresses: Sequence[str], seed: str) -> None:
        self._addresses = addresses
        self._die = random.Random(seed)
        self._http = httpx.AsyncClient(timeout=15)
        self.troubles: Counter[str] = Counter()
        # Seconds of the longest call of GraphQL, one attempt.
        self.longest = 0.0

    async def mutate(self, mutation: str, key: str, input: dict[str, Any]) -> dict[str, Any]:
        """The payload."""
        payload: dict[str, Any] = await self.ask(document(mutation), mutation, input=input | {"idempotencyKey": key})
        return payload

    async def ask(self, document: str, field: str, *, address: str | None = None, **variables: Any) -> Any:
        """The value of a field of the root, from an answer without errors."""
        body = await self._post("/graphql", {"query": document, "variables": variables}, "application/json", address)
        return body["data"][field]

    async def send(self, events: Sequence[dict[str, Any]]) -> int:
        """Have events accepted; how many were."""
        body = await self._post("/events", list(events), "application/cloudevents-batch+json")
        assert body["refused"] == []
        accepted: int = body["accepted"]
        return accepted

    async def close(self) -> None:
        """Close its sockets."""
        await self._http.aclose()

    async def _post(self, path: str, content: Any, kind: str, address: str | None = None) -> Any:
        async with asyncio.timeout(PATIENCE):
            while True:
                where = address or self._die.choice(self._addresses)
                begin = time.monotonic()
                try:
                    reply = await self._http.post(f"{where}{path}", json=content, headers={"content-type": kind})
                except httpx.TransportError as error:
                    self.troubles[type(error).__name__] += 1
                else:
                    if path == "/graphql":
                        self.longest = max(self.longest, time.monotonic() - begin)
                    body = reply.json()
                    codes = {error["extensions"]["code"] for error in body.get("errors", [])}
                    if not codes:
                        return body
                    assert codes <= PASSING, (path, content, body)
                    self.troubles["SOURCE_UNAVAILABLE"] += 1
                await asyncio.sleep(self._die.uniform(0.05, 0.3))
