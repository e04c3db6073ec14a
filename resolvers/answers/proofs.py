"""Proofs: the sources of an answer are stored, and later compared with what they are now."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from uuid_utils import uuid7

from datasources.aurora.answers import proofs
from datasources.records.answers import ProvenCitation, ProvenSentence
from datasources.records.document_chunks import DocumentChunkRecord
from resolvers.answers.answer import Answer, Citation
from resolvers.answers.extraction import MAX_CHARACTERS
from resolvers.answers.facts import Fact, FactKind, state_facts
from resolvers.answers.faithfulness import check_sentence
from resolvers.answers.loaders import ChunksByDocument, RelationshipIdsByImpact
from resolvers.configuration_items.loaders import ConfigurationItemById
from resolvers.context import Context
from resolvers.incidents.loaders import IncidentByNumber

DOCUMENTS_READ = "documents:read"
ITEMS_READ = "configuration-items:read"
# What the caller must be allowed to read besides items to be shown a stored fact.
FACT_PERMISSIONS: Mapping[str, str] = {
    FactKind.CLASS: "teams:read",
    FactKind.DEPENDENTS: "relationships:read",
    FactKind.DEPENDENCIES: "relationships:read",
    FactKind.INCIDENTS: "incidents:read",
}
# Stands for a stored sentence that would say what the caller may not read now.
HIDDEN_TEXT = "The source of this sentence is not visible."
# A number of an incident, as facts write it.
_INCIDENT_NUMBER = re.compile(r"(\S+) \(priority ")


class Verdict(StrEnum):
    """Whether a sentence of an answer still has its source.

    GONE: the source was deleted or cannot be read by the caller, which look the same. UNCHECKED: a store that is needed
    does not answer.
    """

    HOLDS = "HOLDS"
    CHANGED = "CHANGED"
    GONE = "GONE"
    UNCHECKED = "UNCHECKED"


class VerdictReason(StrEnum):
    """Why a verdict was given.

    SAME: the source is unchanged. MOVED: the sentence is at other lines. SUPPORTED: the document has other words, which
    support the sentence. NOT_IN_DOCUMENT, OTHER_FACT: the source says something else. NO_SOURCE: there is none.
    NO_GRAPH: the graph does not answer.
    """

    SAME = "SAME"
    MOVED = "MOVED"
    SUPPORTED = "SUPPORTED"
    NOT_IN_DOCUMENT = "NOT_IN_DOCUMENT"
    OTHER_FACT = "OTHER_FACT"
    NO_SOURCE = "NO_SOURCE"
    NO_GRAPH = "NO_GRAPH"


@dataclass(frozen=True, slots=True)
class SentenceVerdict:
    """The verdict on one sentence of an answer, by its number from 1.

    `text` is the sentence as it was given, or HIDDEN_TEXT if it does not hold and one of its sources is not visible to
    the caller now, be it deleted or hidden. `fact` is what the graph says now instead, with OTHER_FACT. Lines are those
    that support the sentence now.
    """

    number: int
    text: str
    verdict: Verdict
    reason: VerdictReason
    fact: str | None = None
    first_line: int | None = None
    last_line: int | None = None


async def store_answer(context: Context, answer: Answer) -> str:
    """Store the sentences of an answer with their sources, for the caller, and return the id of the proof."""
    chunk_ids = {(each.chunk.document_id, each.chunk.content_hash): each.chunk.id for each in answer.passages}
    impacts = [impact for citation in answer.citations for impact in citation.impacts]
    relationships = dict(zip(impacts, await context.loader(RelationshipIdsByImpact).load_many(impacts), strict=True))

    def prove(citation: Citation) -> ProvenCitation:
        return ProvenCitation(
            chunk_id=chunk_ids.get((citation.document_id or "", citation.content_hash or "")),
            document_id=citation.document_id,
            first_line=citation.first_line,
            last_line=citation.last_line,
            content_hash=citation.content_hash,
            item_id=citation.item_id,
            item_version=citation.item_version,
            relationship_ids=[id for impact in citation.impacts for id in relationships[impact]],
        )

    sentences = [
        ProvenSentence(each.text, [prove(citation) for citation in each.citations], each.fact)
        for each in answer.sentences
    ]
    id = str(uuid7())
    await proofs.insert(context.sources.main, id, context.principal.actor, sentences)
    return id


async def verify_answer(context: Context, id: str) -> list[SentenceVerdict] | None:
    """Return a verdict on each sentence of an answer, in order; None for an answer that the caller was not given."""
    sentences = await proofs.fetch(context.sources.main, id, context.principal.actor)
    if sentences is None:
        return None
    items = {each.item_id for sentence in sentences for each in sentence.citations if each.item_id}
    facts = await _state_facts(context, sorted(items))
    return list(
        await asyncio.gather(*(_verify(context, number, each, facts) for number, each in enumerate(sentences, 1)))
    )


async def _state_facts(context: Context, ids: Sequence[str]) -> dict[tuple[str, str], Fact]:
    """Return what the caller may read about items now, by item and kind."""
    if not ids or not context.principal.allows(ITEMS_READ):
        return {}
    items = await context.loader(ConfigurationItemById).load_many(ids)
    facts = await state_facts(context, [item for item in items if item is not None])
    return {(fact.item.id, fact.kind): fact for fact in facts}


async def _verify(
    context: Context, number: int, sentence: ProvenSentence, facts: Mapping[tuple[str, str], Fact]
) -> SentenceVerdict:
    """Return the best verdict of all sources of a sentence: one of them is enough."""
    gone = SentenceVerdict(number, HIDDEN_TEXT, Verdict.GONE, VerdictReason.NO_SOURCE)
    verdicts = [await _verify_citation(context, number, sentence, each, facts) for each in sentence.citations]
    if len(verdicts) > 1 and any(each.text == HIDDEN_TEXT for each in verdicts):
        # The sentence may say what only the hidden source said: a visible one must support it without the others.
        verdicts = [
            await _verify_citation(context, number, sentence, each, facts, trusts_hash=False)
            for each in sentence.citations
        ]
        verdicts = [each for each in verdicts if each.verdict is Verdict.HOLDS]
    order = list(Verdict)
    return min(verdicts, key=lambda each: order.index(each.verdict), default=gone)


async def _verify_citation(
    context: Context,
    number: int,
    sentence: ProvenSentence,
    citation: ProvenCitation,
    facts: Mapping[tuple[str, str], Fact],
    *,
    trusts_hash: bool = True,
) -> SentenceVerdict:
    """Return the verdict of one source. `trusts_hash`: a chunk that has not changed supports what cites it."""
    gone = SentenceVerdict(number, HIDDEN_TEXT, Verdict.GONE, VerdictReason.NO_SOURCE)
    if citation.item_id is not None:
        fact = facts.get((citation.item_id, sentence.fact or ""))
        is_visible = (citation.item_id, FactKind.CLASS) in facts and await _sees_fact(context, sentence)
        verdict = _verify_fact(number, sentence, fact, is_complete=not (context.request.degraded and is_visible))
        return verdict if is_visible or verdict.verdict is Verdict.HOLDS else replace(verdict, text=HIDDEN_TEXT)
    if citation.document_id is None or not context.principal.allows(DOCUMENTS_READ):
        return gone
    chunks = await context.loader(ChunksByDocument).load(citation.document_id)
    return _verify_lines(number, sentence.text, citation, chunks, trusts_hash) if chunks else gone


async def _sees_fact(context: Context, sentence: ProvenSentence) -> bool:
    """Return whether the caller may read what a stored fact says, by its kind and the incidents that it names."""
    if not context.principal.allows(FACT_PERMISSIONS.get(sentence.fact or "", ITEMS_READ)):
        return False
    numbers = _INCIDENT_NUMBER.findall(sentence.text) if sentence.fact == FactKind.INCIDENTS else []
    return None not in await context.loader(IncidentByNumber).load_many(numbers)


def _verify_fact(number: int, sentence: ProvenSentence, fact: Fact | None, *, is_complete: bool) -> SentenceVerdict:
    text = sentence.text
    if fact is not None and fact.text == text:
        return SentenceVerdict(number, text, Verdict.HOLDS, VerdictReason.SAME)
    # Without a permission for a part of it, such as the owner, the fact that is read is shorter.
    if fact is not None and text.startswith(fact.text.removesuffix(".")):
        return SentenceVerdict(number, HIDDEN_TEXT, Verdict.GONE, VerdictReason.NO_SOURCE)
    if fact is not None:
        return SentenceVerdict(number, text, Verdict.CHANGED, VerdictReason.OTHER_FACT, fact.text)
    if is_complete or sentence.fact not in {FactKind.DEPENDENTS, FactKind.DEPENDENCIES}:
        return SentenceVerdict(number, HIDDEN_TEXT, Verdict.GONE, VerdictReason.NO_SOURCE)
    return SentenceVerdict(number, text, Verdict.UNCHECKED, VerdictReason.NO_GRAPH)


def _verify_lines(
    number: int, text: str, citation: ProvenCitation, chunks: Sequence[DocumentChunkRecord], trusts_hash: bool
) -> SentenceVerdict:
    # The same text first, then the chunk itself.
    in_order = sorted(
        chunks,
        key=lambda each: (each.content_hash != citation.content_hash, each.id != citation.chunk_id, each.position),
    )
    for chunk in in_order:
        if lines := _find_lines(text, chunk):
            same = lines == (citation.first_line, citation.last_line)
            return _hold(number, text, VerdictReason.SAME if same else VerdictReason.MOVED, lines)
    best = in_order[0]
    if trusts_hash and best.content_hash == citation.content_hash:
        return _hold(number, text, VerdictReason.SAME, (best.first_line, best.last_line))
    for chunk in in_order:
        if check_sentence(text, f"# {chunk.heading}\n\n{chunk.body}") is None:
            return _hold(number, text, VerdictReason.SUPPORTED, (chunk.first_line, chunk.last_line))
    return SentenceVerdict(number, text, Verdict.CHANGED, VerdictReason.NOT_IN_DOCUMENT)


def _hold(number: int, text: str, reason: VerdictReason, lines: tuple[int, int]) -> SentenceVerdict:
    first_line, last_line = lines
    return SentenceVerdict(number, text, Verdict.HOLDS, reason, None, first_line, last_line)


def _find_lines(text: str, chunk: DocumentChunkRecord) -> tuple[int, int] | None:
    """Return the lines of a chunk that are this sentence."""
    # The parser of Markdown is imported only if it is used.
    from resolvers.answers.sentences import split_sentences

    found = (each for each in split_sentences(chunk.body[:MAX_CHARACTERS], chunk.first_line) if each.text == text)
    return next(((each.first_line, each.last_line) for each in found), None)
