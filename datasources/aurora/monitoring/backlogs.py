"""How much there is to do in the queues that are kept in the main database."""

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import statements
from datasources.records.backlogs import BacklogRecord


async def fetch_backlogs(main: Database) -> list[BacklogRecord]:
    """Each queue by name. One statement, which reads every message that waits."""
    return await main.fetch(statements("queues/queues")["queues_backlog"], {}, BacklogRecord)
