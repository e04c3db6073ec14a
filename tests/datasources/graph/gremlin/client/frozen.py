"""A process with a client, to be frozen like a function between two events: asks what its input says, line by line."""

import asyncio
import json
import sys

from datasources.config import GraphSettings
from datasources.errors import SourceError
from datasources.graph.gremlin.client import GremlinClient
from datasources.graph.gremlin.client import pool as endpoints
from datasources.graph.gremlin.source import g
from datasources.request import RequestContext, use_request


async def main(url: str) -> None:
    """Each line of input is a number and the seconds until its deadline; each line of output what came of it."""
    # Five seconds of sleep are long for a test.
    endpoints.PING_AFTER_IDLE_SECONDS = 0.2
    client = GremlinClient(GraphSettings(url=url, pool_max=2))
    loop = asyncio.get_running_loop()
    while line := await asyncio.to_thread(sys.stdin.readline):
        number, seconds = line.split()
        with use_request(RequestContext(deadline=loop.time() + float(seconds))) as call:
            try:
                outcome = {"rows": await client.submit(g.inject(int(number)), "test")}
            except SourceError as error:
                outcome = {"error": [type(error).__name__]}
        print(json.dumps({**outcome, "sent": call.usage.traversals}), flush=True)
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
