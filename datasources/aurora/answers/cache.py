"""Answers that may be given again, by their questions and by all else that they depend on."""

from msgspec import structs

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import statements
from datasources.records.answers import CachedAnswerMatch, CachedAnswerQuery, CachedAnswerRecord
from datasources.records.queries import Scope

_STATEMENTS = statements("answers/cache")


async def fetch_candidates(
    database: Database, query: CachedAnswerQuery, scope: Scope, least: float, limit: int
) -> list[CachedAnswerMatch]:
    """Return the answer to the same canonical question, then at most `limit` answers to similar ones, best first.

    `least` is the least cosine of the embeddings. Answers to similar questions need an embedding.
    """
    bound = {
        "partition": query.partition,
        "canonical": query.canonical,
        "model": query.model,
        "embedding": _to_text(query.embedding),
        "least": least,
        "limit": limit,
        "sees_restricted": scope.sees_restricted,
        "team_keys": list(scope.team_keys),
    }
    return await database.fetch(_STATEMENTS["cached_answers_by_question"], bound, CachedAnswerMatch)


async def store(database: Database, query: CachedAnswerQuery, record: CachedAnswerRecord, hours: float) -> None:
    """Store an answer for so many hours, in place of an earlier one to the same question."""
    bound = structs.asdict(record) | {
        "partition": query.partition,
        "canonical": query.canonical,
        "model": query.model,
        "embedding": _to_text(query.embedding),
        "hours": hours,
    }
    async with database.transaction() as transaction:
        await transaction.execute(_STATEMENTS["cached_answer_store"], bound)


async def delete(database: Database, id: str) -> None:
    """Delete an answer; one that is gone is no error."""
    async with database.transaction() as transaction:
        await transaction.execute(_STATEMENTS["cached_answer_delete"], {"id": id})


async def purge(database: Database, hours: float, most: int) -> int:
    """Delete at most `most` answers that expired more than so many hours ago; return how many."""
    bound = {"age": hours, "most": most}
    return len(await database.fetch(_STATEMENTS["cached_answers_purge"], bound, bool))


def _to_text(embedding: tuple[float, ...] | None) -> str | None:
    return None if embedding is None else ",".join(map(repr, embedding))
