"""The progress of an answer: its sentences with their citations, as they are written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from datasources.language.port import DraftSentence
from datasources.records.document_chunks import DocumentChunkRecord
from resolvers.answers.answer import Answer, CitationNumbers, CitedSentence, cite_facts, cite_sentence
from resolvers.answers.facts import Fact


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """A sentence of a draft, or the answer, which replaces all sentences before it.

    `draft` counts from 1. A draft with a higher number replaces the sentences of all drafts before it.
    """

    draft: int
    sentence: CitedSentence | None = None
    answer: Answer | None = None


class AnswerProgress:
    """Publishes the facts of an answer, and then each supported sentence of a draft, with its citations."""

    def __init__(self, publish: Callable[[AnswerEvent], None]) -> None:
        self._publish = publish
        self._facts: Sequence[Fact] = ()
        self._numbers = CitationNumbers()
        self._has_draft = False
        self.draft = 1

    def state_facts(self, facts: Sequence[Fact]) -> None:
        """Publish the facts, with which each draft begins."""
        self._facts = facts
        self._numbers = CitationNumbers()
        for sentence in cite_facts(facts, self._numbers):
            self._publish(AnswerEvent(self.draft, sentence))

    def begin_draft(
        self,
        chunks: Mapping[int, DocumentChunkRecord],
        check: Callable[[DraftSentence], DraftSentence | None] = lambda sentence: sentence,
    ) -> Callable[[DraftSentence], None]:
        """Return what publishes the sentences of a draft over chunks, by number.

        `check` returns a sentence as it may be shown; None if its sources do not support it. Sentences of an earlier
        draft that arrive late are dropped.
        """
        if self._has_draft:
            self.draft += 1
            self.state_facts(self._facts)
        self._has_draft = True
        draft = self.draft

        def publish(sentence: DraftSentence) -> None:
            supported = check(sentence) if draft == self.draft else None
            if supported is not None:
                self._publish(AnswerEvent(draft, cite_sentence(supported, chunks, self._numbers)))

        return publish
