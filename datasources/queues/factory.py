"""Chooses the adapter of each queue."""

from dataclasses import dataclass

from datasources.aurora.driver.database import Database
from datasources.config import QueueSettings
from datasources.queues.port import Queue
from datasources.queues.tables.queue import TablesQueue

DEFAULT_SETTINGS = QueueSettings()


@dataclass(frozen=True, slots=True)
class Queues:
    """The queue of incoming events, and those of outgoing messages: remediation steps by urgency, and notifications."""

    events: Queue
    remediation_p1: Queue
    remediation_standard: Queue
    notifications: Queue


def open_queues(main: Database, settings: QueueSettings = DEFAULT_SETTINGS) -> Queues:
    """Return the queues according to the settings: SQS if a URL is set, tables of the main database otherwise."""

    def create(name: str, url: str | None) -> Queue:
        tables = TablesQueue(main, name)
        if url is None:
            return tables
        # Importing the SQS client adds about 200 ms to a cold start, so it is imported only if used, by the first call.
        from datasources.queues.sqs.queue import SqsQueue

        return SqsQueue(url, tables, region=settings.region, fifo=url.endswith(".fifo"))

    return Queues(
        events=create("events", settings.events),
        remediation_p1=create("remediation-p1", settings.remediation_p1),
        remediation_standard=create("remediation-standard", settings.remediation_standard),
        notifications=create("notifications", settings.notifications),
    )
