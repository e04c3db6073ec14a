"""Which queue is used: chosen once, here."""

from datasources.aurora.database import Database
from datasources.queues.port import Queue
from datasources.queues.tables.queue import TablesQueue

EVENTS = "events"


def open_events(main: Database) -> Queue:
    """The queue of events that come in."""
    return TablesQueue(main, EVENTS)
