"""Semantic cache: answers are given again to equal questions, and to similar ones of the same structure.

Similarity alone does not tell 'enable' from 'disable', or web-01 from web-02, so it only finds candidates; whether a
candidate asks for the same is decided by the words. An answer never leaves the scope in which it was made.
"""

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from uuid_utils import uuid7

from datasources.aurora.answers import cache
from datasources.language.embeddings import open_embedder
from datasources.records.answers import CachedAnswerMatch, CachedAnswerQuery, CachedAnswerRecord
from resolvers.answers.questions import Intent, Question, has_signs, have_same_structure, is_live, read_question
from resolvers.context import Context

# The least cosine of the embeddings of two questions. A higher limit only loses hits: `python -m bench.semantic_cache`.
MIN_SIMILARITY = 0.80
MAX_CANDIDATES = 5
TIME_TO_LIVE_HOURS = 24.0
# The share of hits for which the answer is made again all the same, to compare both.
SHADOW_SHARE = 0.01
# Permissions that change which passages are found for a question.
PERMISSIONS = ("configuration-items:read", "documents:read", "incidents:read", "relationships:read", "teams:read")


class LookupResult(StrEnum):
    """How a look-up ended. GUARD_REFUSED: only similar questions of another structure; STALE: a source has changed."""

    HIT = "HIT"
    MISS = "MISS"
    GUARD_REFUSED = "GUARD_REFUSED"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What an answer depends on besides its question and its caller.

    `about` are ids of items; `tier` is that of the model. `names` are names of the catalogue, such as those of the
    items: words of them are compared as they are written.
    """

    prompt_version: str
    tier: str
    about: tuple[str, ...] = ()
    locale: str = "en"
    names: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class Lookup:
    """The result of a look-up, and with HIT the value that was stored, and the id of its entry.

    `shadow_check` marks one of a hundred hits: make the answer again, and compare.
    """

    result: LookupResult
    value: str | None = None
    shadow_check: bool = False
    id: str | None = field(default=None, compare=False)


async def look_up(context: Context, question: str, key: CacheKey, draw: Callable[[], float] = random.random) -> Lookup:
    """Return the stored answer to a question of the same structure, in the scope of the caller.

    One statement; a stale answer is deleted by another. A question about live state, or with signs, is always a MISS.
    """
    if is_live(question) or has_signs(question):
        return Lookup(LookupResult.MISS)
    form = read_question(question, key.names)
    found = await cache.fetch_candidates(
        context.sources.main, await _query(context, question, form, key), context.scope, MIN_SIMILARITY, MAX_CANDIDATES
    )
    match = next((each for each in found if _answers(each, form)), None)
    if match is None:
        return Lookup(LookupResult.GUARD_REFUSED if found else LookupResult.MISS)
    if not match.is_fresh:
        await cache.delete(context.sources.main, match.id)
        return Lookup(LookupResult.STALE)
    return Lookup(LookupResult.HIT, match.value, draw() < SHADOW_SHARE, match.id)


async def store(
    context: Context,
    question: str,
    key: CacheKey,
    value: str,
    chunks: Sequence[tuple[str, str]],
    items: Mapping[str, int],
) -> bool:
    """Store an answer as text, for a day. False, with nothing stored, for a question about live state or with signs.

    `chunks` has ids and content hashes of all chunks that the answer cites, `items` the versions of items by id. Only
    answers that were accepted may be stored. Of two answers to one question that are stored at the same time, the last
    one stays.
    """
    form = read_question(question, key.names)
    if is_live(question) or has_signs(question) or not form.words:
        return False
    record = CachedAnswerRecord(
        id=str(uuid7()),
        value=value,
        chunk_ids=[id for id, _ in chunks],
        content_hashes=[content_hash for _, content_hash in chunks],
        item_ids=list(items),
        item_versions=list(items.values()),
    )
    query = await _query(context, question, form, key)
    await cache.store(context.sources.main, query, record, TIME_TO_LIVE_HOURS)
    return True


def _answers(match: CachedAnswerMatch, question: Question) -> bool:
    intent, *words = match.canonical.split(" ")
    return have_same_structure(question, Question(Intent(intent), tuple(words)))


async def _query(context: Context, question: str, form: Question, key: CacheKey) -> CachedAnswerQuery:
    # In a thread: the first call reads the model, and other requests wait for no file.
    embedder = await asyncio.to_thread(open_embedder)
    embedding = embedder.embed(question) if embedder else None
    model = embedder.model if embedder and embedding is not None else None
    return CachedAnswerQuery(
        _partition(context, key), form.canonical, model, None if embedding is None else tuple(embedding)
    )


def _partition(context: Context, key: CacheKey) -> str:
    """Return the hash of what decides which answer a caller may get to a question."""
    permissions: Collection[str] = [each for each in PERMISSIONS if context.principal.allows(each)]
    scope = [context.scope.sees_restricted, sorted(context.scope.team_keys), permissions]
    parts = [scope, sorted(set(key.about)), key.prompt_version, key.tier, key.locale]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
