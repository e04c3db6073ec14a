"""Writes of problems: statements inside a transaction."""

from msgspec.structs import asdict

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.problems import ProblemRecord

_STATEMENTS = "problems/writes"


async def insert(transaction: Transaction, record: ProblemRecord) -> ProblemRecord | None:
    """Insert a problem and return it; None if its key is taken."""
    rows = await transaction.fetch(statements(_STATEMENTS)["problem_insert"], asdict(record), ProblemRecord)
    return rows[0] if rows else None


async def lock(transaction: Transaction, id: str) -> ProblemRecord | None:
    """Lock the problem until the transaction ends, and return it."""
    rows = await transaction.fetch(statements(_STATEMENTS)["problems_locked"], {"id": id}, ProblemRecord)
    return rows[0] if rows else None


async def update(transaction: Transaction, record: ProblemRecord) -> ProblemRecord:
    """Update a locked problem; the version increases."""
    [updated] = await transaction.fetch(statements(_STATEMENTS)["problem_update"], asdict(record), ProblemRecord)
    return updated
