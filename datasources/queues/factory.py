"""Which queues are used: chosen once, here."""

from dataclasses import dataclass

from datasources.aurora.driver.database import Database
from datasources.config import QueueSettings
from datasources.queues.port import Queue
from datasources.queues.tables.queue import TablesQueue

DEFAULT_SETTINGS = QueueSettings()


@dataclass(frozen=True, slots=True)
class Queues:
    """Events that come in, and what goes out: remediation steps of urgent incidents and of others, notifications."""

    events: Queue
    remediation_p1: Queue
    remediation_standard: Queue
    notifications: Queue


def open_queues(main: Database, settings: QueueSettings = DEFAULT_SETTINGS) -> Queues:
    """The queues that the settings ask for: SQS where there is a URL, tables of the main database elsewhere."""

    def chosen(name: str, url: str | None) -> Queue:
        tables = TablesQueue(main, name)
        if url is None:
            return tables
        # The client of SQS costs a cold start some 200 ms, so only who uses it pays; it comes with the first call.
        from datasources.queues.sqs.queue import SqsQueue

        return SqsQueue(url, tables, region=settings.region, fifo=url.endswith(".fifo"))

    return Queues(
        events=chosen("events", settings.events),
        remediation_p1=chosen("remediation-p1", settings.remediation_p1),
        remediation_standard=chosen("remediation-standard", settings.remediation_standard),
        notifications=chosen("notifications", settings.notifications),
    )
