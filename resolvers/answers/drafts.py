"""Drafts of a language model for one prompt, and their check against its sources."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from datasources.language.port import Call, Draft, DraftSentence, Language, Prompt, StopReason
from datasources.records.document_chunks import DocumentChunkRecord
from resolvers.answers.faithfulness import check_draft

CheckSentence = Callable[[DraftSentence], DraftSentence | None]


class BeginDraft(Protocol):
    """Takes the chunks of a draft, by number, and the check of its sentences; returns what takes each sentence."""

    def __call__(
        self, chunks: Mapping[int, DocumentChunkRecord], check: CheckSentence = ...
    ) -> Callable[[DraftSentence], None]: ...


@dataclass(frozen=True, slots=True)
class Drafts:
    """Asks a language model for drafts, of which each sentence is passed on to `begin_draft` if there is one."""

    language: Language
    prompt: Prompt
    chunks: Mapping[int, DocumentChunkRecord]
    begin_draft: BeginDraft | None

    @property
    def texts(self) -> dict[int, str]:
        """The texts of the sources by number."""
        return {source.number: f"{source.heading}\n{source.text}" for source in self.prompt.sources}

    async def draft(self, call: Call) -> Draft:
        """Call a model; its sentences are passed on if they are to be streamed."""
        if self.begin_draft is None:
            return await self.language.draft(self.prompt, call)
        texts = self.texts

        def check(sentence: DraftSentence) -> DraftSentence | None:
            accepted, _ = _check([sentence], texts)
            return accepted[0] if accepted else None

        return await self.language.draft(self.prompt, call, self.begin_draft(self.chunks, check))

    def check(self, draft: Draft) -> tuple[tuple[DraftSentence, ...], bool]:
        """Return the sentences that their sources support, and whether the draft is sufficient without the others."""
        if draft.completion.stop is not StopReason.END:
            return (), False
        # A model that found no answer in the sources gave an answer.
        return _check(draft.sentences, self.texts) if draft.sentences else ((), True)


def _check(sentences: Sequence[DraftSentence], texts: Mapping[int, str]) -> tuple[tuple[DraftSentence, ...], bool]:
    """Return the sentences that their sources support, as plain text, and whether they are sufficient."""
    # The parser of Markdown adds 130 ms to a cold start, so it is imported only if it is used.
    from resolvers.answers.plain_text import to_plain_text

    cited = [replace(each, sources=_known(each.sources, texts)) for each in sentences]
    sources = [[texts[number] for number in each.sources] for each in cited]
    plain = [to_plain_text(each.text, its) for each, its in zip(cited, sources, strict=True)]
    checked = check_draft([(each.checked, its) for each, its in zip(plain, sources, strict=True)])
    return tuple(replace(cited[place], text=plain[place].text) for place in checked.accepted), checked.is_sufficient


def _known(numbers: Sequence[int], texts: Mapping[int, str]) -> tuple[int, ...]:
    return tuple(number for number in dict.fromkeys(numbers) if number in texts)
