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
    StopReason,
    TokenUsage,
    Tool,
    ToolChoice,
)
from resolvers.answers.extraction import choose_sentences, list_candidates
from resolvers.answers.loaders import TermsByText, TermWeightsByText
from resolvers.answers.passages import Passage
from resolvers.context import Context

MODEL = "extractive"


@dataclass(frozen=True, slots=True)
class ExtractiveLanguage:
    """Copies sentences of these passages; the numbers of a prompt's sources are their ranks. It costs nothing."""

    context: Context
    passages: tuple[Passage, ...]

    async def draft(self, prompt: Prompt, call: Call, progress: Callable[[DraftSentence], None] | None = None) -> Draft:
        """Return at most six sentences that have the words of the question, in the order of their documents."""
        start = time.monotonic()
        numbers = {source.number for source in prompt.sources}
        passages = [passage for passage in self.passages if passage.rank in numbers]
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


def _completion(start: float) -> Completion:
    return Completion(StopReason.END, TokenUsage(), time.monotonic() - start)
