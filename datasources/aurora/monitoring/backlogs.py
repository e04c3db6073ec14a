"""The backlogs of the queues in the main database."""

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import statements
from datasources.records.backlogs import BacklogRecord


async def fetch_backlogs(main: Database) -> list[BacklogRecord]:
    """Return the backlog of each queue, by name. One statement, which reads every waiting message."""
    return await main.fetch(statements("queues/queues")["queues_backlog"], {}, BacklogRecord)
