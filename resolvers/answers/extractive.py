"""The local adapter of language models: a draft is sentences that are copied from the passages of the prompt."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datasources.language.port import (
    Call,
    Completion,
    Draft,
    DraftSentence,
    Prompt,
    PromptSource,
    StopReason,
    TokenUsage,
    Tool,
    ToolChoice,
)
from datasources.records.document_chunks import DocumentChunkRecord
from resolvers.answers.extraction import choose_sentences, list_candidates
from resolvers.answers.loaders import TermsByText, TermWeightsByText
from resolvers.answers.passages import GraphRelation, Passage
from resolvers.context import Context

MODEL = "extractive"


@dataclass(frozen=True, slots=True)
class ExtractiveLanguage:
    """Copies sentences of sources, which may be passages by their ranks. It costs nothing."""

    context: Context
    passages: tuple[Passage, ...] = ()

    @property
    def prompt_version(self) -> str:
        """See the port."""
        return "1"

    async def draft(self, prompt: Prompt, call: Call, progress: Callable[[DraftSentence], None] | None = None) -> Draft:
        """Return at most six sentences that have the words of the question, in the order of their documents."""
        start = time.monotonic()
        known = {passage.rank: passage for passage in self.passages}
        passages = [known.get(source.number) or _passage(source) for source in prompt.sources]
        weights = await self.context.loader(TermWeightsByText).load(prompt.question)
        candidates = list_candidates(passages)
        texts = dict.fromkeys(
            [*(each.sentence.text for each in candidates), *(passage.chunk.heading for passage in passages)]
        )
        loaded = await self.context.loader(TermsByText).load_many(list(texts))
        sentences = tuple(
            DraftSentence(each.sentence.text, (each.passage.rank,), (each.sentence.first_line, each.sentence.last_line))
            for each in choose_sentences(weights, candidates, dict(zip(texts, loaded, strict=True)))
        )
        if progress is not None:
            for sentence in sentences:
                progress(sentence)
        return Draft(sentences, _completion(start))

    async def choose(self, question: str, tools: Sequence[Tool], call: Call) -> ToolChoice:
        """Return no tool: `resolvers.operations` matches operations without a model."""
        return ToolChoice(None, {}, _completion(time.monotonic()))

    async def close(self) -> None:
        """Return at once: nothing is open."""


def _passage(source: PromptSource) -> Passage:
    """Return the passage of a source that was not retrieved."""
    last_line = source.text.count("\n") + 1
    chunk = DocumentChunkRecord(
        id=source.id,
        document_id=source.id,
        position=0,
        heading=source.heading,
        body=source.text,
        first_line=1,
        last_line=last_line,
        content_hash="",
    )
    return Passage(
        chunk=chunk,
        rank=source.number,
        keyword_rank=None,
        vector_rank=None,
        name_match=False,
        relation=GraphRelation.NONE,
        factor=1.0,
    )


def _completion(start: float) -> Completion:
    return Completion(StopReason.END, TokenUsage(), time.monotonic() - start)
