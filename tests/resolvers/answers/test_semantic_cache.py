"""Semantic cache: what is a hit, what makes an answer stale, and that no answer leaves its scope."""

from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest

from datasources.aurora.answers import cache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.language.embeddings import installed_model
from datasources.request import use_request
from resolvers.answers.semantic_cache import CacheKey, Lookup, LookupResult, look_up, store
from resolvers.configuration_items.loaders import ConfigurationItemById
from resolvers.context import Context
from tests.fixtures.answers import REDIS, Library, chunk_id, open_library
from tests.fixtures.operations import DOCUMENT, TEAM, uuid

KEY = CacheKey("1", "SMALL", (REDIS,))
CHUNK = (chunk_id(uuid(DOCUMENT, 1), 1), "hash 1")
QUESTION = "How do I fail over the primary of redis?"
MISS = Lookup(LookupResult.MISS)
needs_model = pytest.mark.skipif(installed_model() is None, reason="the model of embeddings is not installed")


@pytest.fixture(scope="module")
async def opened(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "semantic_cache") as library:
        yield library


@pytest.fixture
def library(opened: Library) -> Library:
    execute(opened, "DELETE FROM cached_answers")
    return opened


def execute(library: Library, statement: str, *bound: object) -> list[tuple[object, ...]]:
    with psycopg.connect(library.urls[0], autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), bound)
        return cursor.fetchall() if cursor.description else []


async def put(context: Context, question: str = QUESTION, value: str = "answer", key: CacheKey = KEY) -> bool:
    with use_request(context.request):
        item = await context.loader(ConfigurationItemById).load(REDIS)
        assert item is not None
        return await store(context, question, key, value, [CHUNK], {REDIS: item.version})


async def get(context: Context, question: str = QUESTION, key: CacheKey = KEY, draw: float = 0.5) -> Lookup:
    with use_request(context.request):
        return await look_up(context, question, key, lambda: draw)


async def test_an_equal_question_is_a_hit(library: Library) -> None:
    assert await get(library.context()) == MISS
    assert await put(library.context())
    hit = Lookup(LookupResult.HIT, "answer")
    assert await get(library.context()) == hit
    assert await get(library.context(), "how can we fail over the redis primary") == hit
    assert await get(library.context(), "How do I fail over the replica of redis?") in (
        MISS, Lookup(LookupResult.GUARD_REFUSED)
    )  # fmt: skip


@needs_model
async def test_a_similar_question_needs_the_same_structure(library: Library) -> None:
    await put(library.context(), "restart the web service on web-01")
    assert await get(library.context(), "how to restart the web service on web-01") == Lookup(
        LookupResult.HIT, "answer"
    )
    refused = Lookup(LookupResult.GUARD_REFUSED)
    assert await get(library.context(), "restart the web service on web-02") == refused
    assert await get(library.context(), "do not restart the web service on web-01") == refused
    assert await get(library.context(), "what is the capital of France") == MISS


async def test_one_hit_of_a_hundred_is_checked(library: Library) -> None:
    await put(library.context())
    assert (await get(library.context(), draw=0.009)).shadow_check
    assert not (await get(library.context(), draw=0.01)).shadow_check


async def test_an_answer_stays_in_its_scope(library: Library) -> None:
    await put(library.context("security"), value="secret")
    for other in (library.context(), library.context("platform"), library.context("security", "platform")):
        assert await get(other) == MISS
    assert await get(library.context("security", without="relationships:read")) == MISS
    assert await get(library.context("security", also="restricted:read")) in (MISS, Lookup(LookupResult.HIT, "secret"))
    assert (await get(library.context("security"))).value == "secret"


@pytest.mark.parametrize(
    "key",
    [
        replace(KEY, about=()), replace(KEY, prompt_version="2"), replace(KEY, tier="LARGE"), replace(KEY, locale="de"),
    ],
)  # fmt: skip
async def test_another_key_is_a_miss(library: Library, key: CacheKey) -> None:
    await put(library.context())
    assert await get(library.context(), key=key) == MISS


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        (
            "UPDATE document_chunks SET content_hash = 'other' WHERE content_hash = 'hash 1'",
            "UPDATE document_chunks SET content_hash = 'hash 1' WHERE content_hash = 'other'",
        ),
        (
            f"UPDATE documents SET restricted_team_id = '{uuid(TEAM, 1)}' WHERE key = 'RB-REDIS'",
            "UPDATE documents SET restricted_team_id = NULL WHERE key = 'RB-REDIS'",
        ),
        (
            f"UPDATE configuration_items SET version = version + 1 WHERE id = '{REDIS}'",
            "SELECT",
        ),
    ],
    ids=["another text", "restricted since", "another version"],
)
async def test_a_changed_source_makes_it_stale_once_and_for_all(library: Library, change: str, undo: str) -> None:
    await put(library.context())
    execute(library, change)
    try:
        assert await get(library.context()) == Lookup(LookupResult.STALE)
    finally:
        execute(library, undo)
    assert await get(library.context()) == MISS
    assert execute(library, "SELECT count(*) FROM cached_answers") == [(0,)]


async def test_an_answer_lives_for_a_day(library: Library) -> None:
    await put(library.context())
    lives = "SELECT expires_at - created_at = interval '24 hours' FROM cached_answers"
    assert execute(library, lives) == [(True,)]
    execute(library, "UPDATE cached_answers SET expires_at = now() - interval '1 second'")
    assert await get(library.context()) == MISS
    assert await cache.purge(library.sources.main, 0, 10) == 1


async def test_questions_about_live_state_are_not_stored(library: Library) -> None:
    assert not await put(library.context(), "which incidents are open now")
    assert not await put(library.context(), "do I")
    assert execute(library, "SELECT count(*) FROM cached_answers") == [(0,)]


async def test_questions_with_signs_are_neither_stored_nor_found(library: Library) -> None:
    assert not await put(library.context(), "alerts with a load > 10")
    assert await put(library.context(), "alerts with a load 10")
    assert await get(library.context(), "alerts with a load < 10") == MISS


async def test_the_last_of_two_answers_to_one_question_stays(library: Library) -> None:
    await put(library.context(), value="one")
    await put(library.context(), value="two")
    assert (await get(library.context())).value == "two"
    assert execute(library, "SELECT count(*) FROM cached_answers") == [(1,)]


async def test_a_look_up_is_one_statement(library: Library) -> None:
    await put(library.context())
    context = library.context()
    await get(context)
    assert context.request.usage.sql == 1
