"""One process of the service under faults: `python -m tests.faults.process serve PORT` or `work`.

As `stackflow serve` without its worker, and as the worker alone; the queue of events is in a server of its own.
"""

import asyncio
import os
import sys

import uvicorn

import settings
from app import create_app
from datasources.aurora.driver.database import Database
from datasources.observability.logs import configure
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import open_sources
from workers import events, projection

# Seconds after which what a killed worker had received comes again.
VISIBILITY = 3.0


def queue() -> TablesQueue:
    """The queue of events in its own server."""
    return TablesQueue(Database("queue", os.environ["QUEUE_URL"]), "events", visibility=VISIBILITY)


def serve(port: int) -> None:
    """Serve until killed."""
    application = create_app(settings.load_settings(), queue=queue(), on_loopback=True)
    uvicorn.run(application, host="127.0.0.1", port=port, access_log=False, log_config=None, ws="none")


async def work() -> None:
    """Follow the outbox and give events their effect until killed. An error that ends a loop ends the process."""
    sources = open_sources(*settings.load_settings().require_stores())
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(projection.loop(sources, stop))
        group.create_task(projection.run_resync_loop(sources, stop))
        group.create_task(events.loop(sources, queue(), stop))


if __name__ == "__main__":
    configure("INFO")
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        asyncio.run(work())
