"""Housekeeping: what is too old is deleted, a few rows at once; what may still be needed stays."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import outbox
from datasources.sources import Sources
from resolvers.events.consumer import process_messages
from tests.fixtures.events import messages, removed, retired, rows, state, upserted
from tests.fixtures.following import PutItem, emptied, sources_of, write
from tests.fixtures.following import rows as found
from tests.fixtures.graph import node
from workers import housekeeping
from workers.housekeeping import DeletedCounts, delete_expired


def execute(url: str, *statements: tuple[str, Sequence[object]]) -> None:
    with psycopg.connect(url) as connection:
        for text, bound in statements:
            connection.execute(text.encode(), bound)


async def take(sources: Sources, *events: Any) -> None:
    handled = await process_messages(sources, messages(events))
    assert handled.failed == []


async def test_rows_and_answers_are_kept_for_their_time(projected_url: str, main: Database) -> None:
    emptied(projected_url)
    write(projected_url, PutItem(1), PutItem(2), PutItem(3), PutItem(4))
    age = "UPDATE outbox SET written_at = now() - %s::interval WHERE entity_id = ANY(%s::uuid[])"
    execute(
        projected_url,
        ("DELETE FROM idempotent_answers", ()),
        ("UPDATE outbox SET projected = true WHERE entity_id <> %s", (node(2),)),
        (age, ("7 days 1 minute", [node(1), node(2)])),
        (age, ("6 days 23 hours", [node(3)])),
        (
            "INSERT INTO idempotent_answers (principal, key, action, input, entity_ids, answered_at) VALUES "
            "('p', 'old', 'a', '', '{}', now() - interval '24 hours 1 minute'),"
            "('p', 'young', 'a', '', '{}', now() - interval '23 hours')",
            (),
        ),
    )
    assert await delete_expired(sources_of(main, None)) == DeletedCounts(1, 1, 0, 0)
    left = found(projected_url, "SELECT entity_id::text FROM outbox ORDER BY position")
    assert left == [(node(number),) for number in (2, 3, 4)]
    assert found(projected_url, "SELECT key FROM idempotent_answers") == [("young",)]


async def test_the_place_of_trimming_only_moves_on(projected_url: str, main: Database) -> None:
    emptied(projected_url)
    for number in (1, 2, 3):
        write(projected_url, PutItem(number))
    execute(projected_url, ("UPDATE outbox SET projected = true", ()))
    place = "SELECT transaction::text::bigint, position FROM "
    first, second, third = found(projected_url, place + "outbox ORDER BY position")
    age = "UPDATE outbox SET written_at = now() - interval '8 days' WHERE position = %s"
    trimmed = place + "outbox_trimmed"

    execute(projected_url, (age, (second[1],)))
    assert await outbox.purge(main, 7, 10) == 1
    assert found(projected_url, trimmed) == [second]
    execute(projected_url, (age, (first[1],)))
    assert await outbox.purge(main, 7, 10) == 1
    assert found(projected_url, trimmed) == [second]
    execute(projected_url, (age, (third[1],)))
    assert await outbox.purge(main, 7, 10) == 1
    assert found(projected_url, trimmed) == [third]


async def test_more_than_one_statement_deletes_is_deleted(
    projected_url: str, main: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(projected_url)
    write(projected_url, *(PutItem(number) for number in range(1, 8)))
    execute(projected_url, ("UPDATE outbox SET projected = true, written_at = now() - interval '8 days'", ()))
    monkeypatch.setattr(housekeeping, "BATCH_SIZE", 2)
    monkeypatch.setattr(housekeeping, "MAX_BATCHES", 2)
    assert [(await delete_expired(sources_of(main, None))).outbox for _ in range(3)] == [4, 3, 0]


async def test_events_are_remembered_for_thirty_days(sources: Sources, url: str) -> None:
    await take(sources, upserted("1", "a"), upserted("2", "b"))
    age = "UPDATE received_events SET received_at = now() - %s::interval WHERE id = %s"
    execute(url, (age, ("30 days 1 minute", "1")), (age, ("29 days 23 hours", "2")))
    assert await delete_expired(sources) == DeletedCounts(0, 0, 1, 0)
    assert rows(url, "SELECT id FROM received_events") == [("2",)]


async def test_usage_of_models_is_kept_for_four_hundred_days(sources: Sources, url: str) -> None:
    """And a reservation whose process ended is released."""
    call = (
        "INSERT INTO ai_calls (id, request_id, team, actor, operation, model, called_at, reserved_usd, expires_at) "
        "VALUES (gen_random_uuid(), %s, 't', 'a', 'ANSWER', 'm', now() - %s::interval, %s, now() - %s::interval)"
    )
    budget = "INSERT INTO ai_budgets (team, day, reserved_usd) VALUES ('t', (now() AT TIME ZONE 'utc')::date - %s, %s)"
    execute(
        url,
        (call, ("old", "400 days 1 minute", 0, None)),
        (call, ("young", "399 days 23 hours", 0, None)),
        (call, ("lost", "0", 2, "1 second")),
        (call, ("open", "0", 3, "-1 minute")),
        (budget, (401, 0)),
        (budget, (399, 0)),
        (budget, (0, 5)),
    )
    assert await delete_expired(sources) == DeletedCounts(0, 0, 0, 0, 2)
    assert rows(url, "SELECT request_id, failure FROM ai_calls ORDER BY request_id") == [
        ("lost", "LOST"), ("open", ""), ("young", ""),
    ]  # fmt: skip
    assert rows(url, "SELECT reserved_usd::int FROM ai_budgets ORDER BY day") == [(0,), (3,)]


ENDS = (
    "SELECT identity, end_heard_at IS NOT NULL FROM event_times WHERE entity = 'configuration-item' ORDER BY identity"
)
AGED = "UPDATE event_times SET end_heard_at = end_heard_at - %s::interval"


async def test_an_end_is_remembered_for_thirty_days_from_when_it_was_heard(sources: Sources, url: str) -> None:
    """And not from when it happened: an upsert that is older still may be under way."""
    await take(sources, upserted("1", "a"), upserted("2", "b"), retired("3", "a", 1))
    execute(url, ("UPDATE event_times SET ended_at = ended_at - interval '1 year'", ()))
    execute(url, (AGED, ("29 days 23 hours",)))
    assert (await delete_expired(sources)).times == 0
    execute(url, (AGED, ("1 hour 1 minute",)))
    assert (await delete_expired(sources)).times == 1
    assert [identity for identity, _ in rows(url, ENDS)] == [
        identity for identity, ended in rows(url, ENDS) if not ended
    ]
    assert rows(url, "SELECT count(*) FROM event_times") == [(1,)]


async def test_what_came_back_is_not_forgotten(sources: Sources, url: str) -> None:
    """Its newest time keeps older events out for as long as it is there."""
    await take(sources, upserted("1", "a"), retired("2", "a", 1), upserted("3", "a", 2, name="A"))
    await take(sources, upserted("4", "b", 3), retired("5", "b", 2), upserted("6", "c"), removed("7", "a>c", 1))
    execute(url, (AGED, ("31 days",)))
    # The end of a relationship that never was is the one that is over.
    assert (await delete_expired(sources)).times == 1
    await take(sources, upserted("8", "a", 1, name="late"), upserted("9", "b", 1, name="late"))
    assert [item[1] for item in state(url)[0]] == ["A", "b", "c"]


async def test_proofs_and_cached_answers_are_deleted_after_their_time(sources: Sources, url: str) -> None:
    execute(
        url,
        (
            "INSERT INTO answers (id, actor, sentences, created_at) VALUES "
            "(gen_random_uuid(), 'old', '[]', now() - interval '30 days 1 minute'),"
            "(gen_random_uuid(), 'young', '[]', now() - interval '29 days 23 hours')",
            (),
        ),
        (
            "INSERT INTO cached_answers (id, partition, canonical, value, chunk_ids, content_hashes, item_ids, "
            "item_versions, expires_at) SELECT gen_random_uuid(), n, n, '', '{}', '{}', '{}', '{}', "
            "now() + h * interval '1 minute' FROM (VALUES ('old', -1), ('young', 1)) AS given (n, h)",
            (),
        ),
    )
    deleted = await delete_expired(sources)
    assert (deleted.proofs, deleted.cached) == (1, 1)
    assert rows(url, "SELECT actor FROM answers") == [("young",)]
    assert rows(url, "SELECT canonical FROM cached_answers") == [("young",)]
