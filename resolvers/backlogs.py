"""How much there is to do in the queues."""

from datasources.aurora import backlogs as rows
from datasources.records.backlogs import BacklogRecord
from resolvers.context import Context


async def backlogs(context: Context) -> list[BacklogRecord]:
    """As of now, in one statement. Errors are those of the main database."""
    return await rows.backlogs(context.sources.main)
