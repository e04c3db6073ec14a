"""The floor of the comparison: an ASGI handler that sends the JSON of one hand-written statement a query.

It parses, validates and checks nothing, so no GraphQL server can do less. The overview takes two statements, since its
rows are in two databases.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from psycopg import AsyncConnection, AsyncRawCursor

from bench.peers.servers.statements import CONNECTIONS, statements, url

Message = MutableMapping[str, Any]
STATEMENTS = statements("handler")
# What stands before and after the JSON of a statement, and how its parameters follow from the variables.
_ANSWERS: dict[str, tuple[bytes, bytes, Callable[[dict[str, Any]], tuple[object, ...]]]] = {
    "Q1": (b'{"data":{"configurationItem":', b"}}", lambda sent: (sent["id"].removeprefix("ci_"),)),
    "Q2": (b'{"data":{"configurationItems":{"nodes":', b"}}}", lambda sent: (sent["items"],)),
    "Q3": (b'{"data":{"configurationItems":{"nodes":', b"}}}", lambda sent: (sent["items"], sent["incidents"])),
    "Q4": (b'{"data":{"configurationItem":', b"}}", lambda sent: (sent["id"].removeprefix("ci_"),)),
    "Q5": (b'{"data":{"incidents":', b"}}", lambda sent: (sent["state"], sent["incidents"])),
}


class Connections:
    """A fixed number of open connections to one database, whose statements are prepared at their first use."""

    def __init__(self) -> None:
        self._free: asyncio.LifoQueue[AsyncRawCursor[Any]] = asyncio.LifoQueue()

    async def open(self, database: str) -> None:
        """Open all connections."""
        for _ in range(CONNECTIONS[database]):
            connection = await AsyncConnection.connect(
                url(database), autocommit=True, prepare_threshold=0, options="-c timezone=UTC"
            )
            self._free.put_nowait(AsyncRawCursor(connection))

    async def fetch(self, name: str, parameters: tuple[object, ...]) -> list[tuple[bytes | None, ...]]:
        """Return all values of the answer as PostgreSQL's own text."""
        cursor = await self._free.get()
        try:
            await cursor.execute(STATEMENTS[name].encode(), parameters)
            result = cursor.pgresult
            assert result is not None
            columns = range(result.nfields)
            return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]
        finally:
            self._free.put_nowait(cursor)


MAIN, REQUIREMENTS = Connections(), Connections()


async def overview(number: str) -> bytes:
    """Return the answer to the overview of an incident: one statement in each database, joined here."""
    [(incident, listed)] = await MAIN.fetch("IncidentOverview", (number,))
    items = orjson.loads(listed or b"[]")
    ids = list({edge["node"]["_id"] for item in items for edge in item["edges"] or ()})
    found = {(key or b"").decode(): text for key, text in await REQUIREMENTS.fetch("Requirements", (ids,))}
    for item in items:
        edges, truncated, last = item.pop("edges") or [], item.pop("truncated"), ""
        for edge in edges:
            last = edge["node"].pop("_id")
            text = found[last]
            edge["node"]["requirements"] = {"nodes": [] if text is None else orjson.Fragment(text)}
        end = f"{edges[-1]['depth']}|{last}" if truncated else None
        item["dependents"] = {
            "truncated": truncated,
            "pageInfo": {"hasNextPage": truncated, "endCursor": end},
            "edges": edges,
        }
    if incident is None:
        return b'{"data":{"incident":null}}'
    return orjson.dumps({"data": {"incident": orjson.loads(incident) | {"configurationItems": {"nodes": items}}}})


async def answer(request: dict[str, Any]) -> bytes:
    """Return the body for a request; its document is not read, only the name of its operation."""
    name, variables = request["operationName"], request["variables"]
    if name == "IncidentOverview":
        return await overview(variables["number"])
    head, tail, parameters = _ANSWERS[name]
    [(value,)] = await MAIN.fetch(name, parameters(variables)) or [(b"null",)]
    return head + (value or b"null") + tail


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer one request, or open the connections at the start."""
    if scope["type"] == "lifespan":
        await receive()
        await MAIN.open("main")
        await REQUIREMENTS.open("requirements")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    sent = await answer(orjson.loads(body))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(sent)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": sent})
