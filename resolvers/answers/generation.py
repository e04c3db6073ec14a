"""Drafts of answers: by a language model, checked against the sources, or else copied from the documents."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec
from msgspec import Struct

from datasources.language.port import Call, DraftSentence, Language, Prompt, StopReason
from datasources.records.configuration_items import ConfigurationItemRecord
from datasources.records.document_chunks import DocumentChunkRecord
from resolvers.answers.drafts import BeginDraft, Drafts
from resolvers.answers.extractive import MODEL, ExtractiveLanguage
from resolvers.answers.loaders import ChunkById
from resolvers.answers.passages import Passage
from resolvers.answers.semantic_cache import CacheKey, Lookup, LookupResult, look_up, store
from resolvers.answers.shadow_check import record_check
from resolvers.context import Context
from resolvers.models.calls import call_model, create_task, max_tokens
from resolvers.models.complexity import rate_complexity
from resolvers.models.results import record_cache, record_gate
from resolvers.models.router import RouterDecision, Task

# Six short sentences with their citations. The bound of the time that a reply may take follows from it.
MAX_OUTPUT_TOKENS = 400
# An upper bound of the instructions and the frame of a prompt.
INSTRUCTION_TOKENS = 1_000
# Copying sentences has no bound but those of extraction.
LOCAL_CALL = Call(MODEL, max_tokens=0, timeout_seconds=0.0, metadata={})


class AnswerOrigin(StrEnum):
    """Who wrote the sentences of an answer about documents."""

    EXTRACTED = "EXTRACTED"
    GENERATED = "GENERATED"
    CACHED = "CACHED"


@dataclass(frozen=True, slots=True)
class ModelRefusal:
    """Why a model was not chosen."""

    model: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """The choice of a model for an answer: the last decision, what all calls cost in USD, and their number.

    `model` wrote the answer; None if its sentences are copied, and `reason` says why. `rejected` is the number of
    sentences that were left out, since their source does not support them; `is_escalated` whether a better model was
    asked after them.
    """

    decision: RouterDecision
    model: str | None
    reason: str
    usd: float
    calls: int
    rejected: int
    is_escalated: bool

    @property
    def model_refusals(self) -> list[ModelRefusal]:
        """The models that were refused, with the reasons, by id."""
        return [ModelRefusal(model, reasons) for model, reasons in sorted(self.decision.refusals.items())]


@dataclass(frozen=True, slots=True)
class Generation:
    """The sentences of an answer, and the chunks that they cite by number.

    `routing` is None if no model was to be asked, `lookup` if the cache was not.
    """

    sentences: tuple[DraftSentence, ...]
    origin: AnswerOrigin
    chunks: Mapping[int, DocumentChunkRecord]
    routing: Routing | None = None
    lookup: LookupResult | None = None


class CachedSentence(Struct, frozen=True, array_like=True):
    """A sentence of an answer in the cache."""

    text: str
    chunk_ids: list[str]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One call with its fallbacks, and what the check left of the draft; None if there is none to be used."""

    sentences: tuple[DraftSentence, ...] | None
    routing: Routing


async def draft_answer(
    context: Context,
    prompt: Prompt,
    passages: tuple[Passage, ...],
    items: Sequence[ConfigurationItemRecord],
    begin_draft: BeginDraft | None = None,
) -> Generation:
    """Return a draft about items: of the cache or a language model if there is one, else of sentences of the passages.

    A draft with too many sentences that their sources do not support is written once more, by a model of a higher tier,
    and then replaced by copied sentences. A model that finds no answer gives an empty draft. With `begin_draft` replies
    are streamed, and each supported sentence is passed on when it is complete.
    """
    chunks = {passage.rank: passage.chunk for passage in passages}
    language = context.sources.language
    routing, result = None, None
    if language is not None and prompt.sources:
        key = _cache_key(language, prompt, items)
        lookup = await look_up(context, prompt.question, key)
        cached = await _load(context, lookup.value) if lookup.value else None
        result = lookup.result if cached is not None or not lookup.value else LookupResult.STALE
        is_compared = cached is not None and lookup.shadow_check
        if not is_compared:
            await record_cache(context, result.value)
        if cached is not None and not is_compared:
            return cached
        tokens = _count_tokens(prompt)
        task = create_task(context, prompt.kind, prompt.question, tokens, MAX_OUTPUT_TOKENS, items=len(items))
        attempt = await _generate(context, Drafts(language, prompt, chunks, begin_draft), task)
        routing = attempt.routing
        if cached is not None and not await _compare(context, lookup, cached, attempt.sentences, prompt):
            return cached
        if attempt.sentences is not None:
            if attempt.sentences:
                await _store(context, prompt.question, key, attempt.sentences, chunks, items)
            return Generation(attempt.sentences, AnswerOrigin.GENERATED, chunks, routing, result)
    progress = None if begin_draft is None else begin_draft(chunks)
    copied = await ExtractiveLanguage(context, passages).draft(prompt, LOCAL_CALL, progress)
    return Generation(copied.sentences, AnswerOrigin.EXTRACTED, chunks, routing, result)


def _cache_key(language: Language, prompt: Prompt, items: Sequence[ConfigurationItemRecord]) -> CacheKey:
    tier = rate_complexity(prompt.kind, prompt.question, len(items)).tier
    names = frozenset(item.name for item in items)
    return CacheKey(language.prompt_version, str(tier), tuple(item.id for item in items), names=names)


async def _load(context: Context, value: str) -> Generation | None:
    """Return the sentences of a cached answer; None if the caller cannot read a chunk of them any more."""
    stored = msgspec.json.decode(value, type=list[CachedSentence])
    ids = list(dict.fromkeys(id_ for sentence in stored for id_ in sentence.chunk_ids))
    chunks = await context.loader(ChunkById).load_many(ids)
    numbers = {chunk.id: number for number, chunk in enumerate(chunks, 1) if chunk is not None}
    if len(numbers) < len(ids):
        return None
    sentences = (DraftSentence(each.text, tuple(numbers[id_] for id_ in each.chunk_ids)) for each in stored)
    by_number = {numbers[chunk.id]: chunk for chunk in chunks if chunk is not None}
    return Generation(tuple(sentences), AnswerOrigin.CACHED, by_number, lookup=LookupResult.HIT)


async def _compare(
    context: Context, lookup: Lookup, cached: Generation, sentences: Sequence[DraftSentence] | None, prompt: Prompt
) -> bool:
    """Record how a hit compares with the sentences of a new draft. False, and an ordinary hit, if there is none."""
    if sentences is None:
        await record_cache(context, LookupResult.HIT.value)
        return False
    cited = {number for each in sentences for number in each.sources}
    sources = [f"{each.heading}\n{each.text}" for each in prompt.sources if each.number in cited]
    await record_check(context, lookup, [each.text for each in cached.sentences], sources)
    return True


async def _store(
    context: Context,
    question: str,
    key: CacheKey,
    sentences: Sequence[DraftSentence],
    chunks: Mapping[int, DocumentChunkRecord],
    items: Sequence[ConfigurationItemRecord],
) -> None:
    value = [CachedSentence(each.text, [chunks[number].id for number in each.sources]) for each in sentences]
    cited = [chunks[number] for number in dict.fromkeys(number for each in sentences for number in each.sources)]
    await store(
        context,
        question,
        key,
        msgspec.json.encode(value).decode(),
        [(chunk.id, chunk.content_hash) for chunk in cited],
        {item.id: item.version for item in items},
    )


async def _generate(context: Context, drafts: Drafts, task: Task) -> _Attempt:
    """Call a model, and once more one of a higher tier if the draft is not sufficient and time and money are left."""
    clock = asyncio.get_running_loop().time
    begin = clock()
    first = await _attempt(context, drafts, task, can_escalate=True)
    if first.sentences is not None or not first.routing.is_escalated:
        return first
    second = await _attempt(
        context,
        drafts,
        replace(
            task,
            min_tier=first.routing.decision.tier + 1,
            budget_usd=task.budget_usd - first.routing.usd,
            latency_seconds=task.latency_seconds - (clock() - begin),
        ),
        can_escalate=False,
    )
    is_asked = second.routing.calls > 0
    return replace(
        second,
        routing=replace(
            second.routing,
            reason=second.routing.reason if is_asked else f"{first.routing.reason} {second.routing.reason}",
            usd=first.routing.usd + second.routing.usd,
            calls=first.routing.calls + second.routing.calls,
            rejected=first.routing.rejected + second.routing.rejected,
            is_escalated=is_asked,
        ),
    )


async def _attempt(context: Context, drafts: Drafts, task: Task, *, can_escalate: bool) -> _Attempt:
    result = await call_model(context, task, drafts.draft)
    routing = Routing(result.decision, None, result.reason, result.usd, len(result.calls), 0, is_escalated=False)
    draft = result.value
    if draft is None:
        return _Attempt(None, routing)
    accepted, is_sufficient = drafts.check(draft)
    rejected = len(draft.sentences) - len(accepted)
    is_escalated = can_escalate and not is_sufficient and draft.completion.stop is not StopReason.GUARDRAIL
    await record_gate(context, result.calls[-1], len(accepted), rejected, escalated=is_escalated)
    routing = replace(routing, rejected=rejected, is_escalated=is_escalated)
    if not is_sufficient:
        reason = "The draft was not supported by its sources." if rejected else "The draft was not complete."
        return _Attempt(None, replace(routing, reason=reason))
    return _Attempt(accepted, replace(routing, model=result.model))


def _count_tokens(prompt: Prompt) -> int:
    texts = (prompt.question, *(f"{source.heading}\n{source.text}" for source in prompt.sources))
    return INSTRUCTION_TOKENS + sum(max_tokens(text) for text in texts)
