"""The answer to a question: sentences with their sources, and its composition from facts and a draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from datasources.language.port import DraftSentence
from datasources.records.document_chunks import DocumentChunkRecord
from resolvers.answers.facts import Fact, FactKind
from resolvers.answers.generation import AnswerOrigin, Generation, Routing
from resolvers.answers.passages import Passage
from resolvers.answers.semantic_cache import LookupResult


class AnswerStatus(StrEnum):
    """Whether something was found that answers the question."""

    ANSWERED = "ANSWERED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Citation:
    """The source of a sentence: lines of a document, or a version of an item, of an incident or of a change.

    `heading` has the headings above the lines, from the title of the document, joined by ' > ', or the name of the
    item, or the number of the incident or change. `content_hash` is that of the chunk. `impacts` are those that facts
    about the item name, as of `Fact`. `activity_id` is an entry in the timeline of the incident.
    """

    heading: str
    # From 1, in the order of the sentences.
    number: int = 0
    document_id: str | None = None
    first_line: int | None = None
    last_line: int | None = None
    content_hash: str | None = None
    item_id: str | None = None
    item_version: int | None = None
    impacts: tuple[tuple[str, str], ...] = ()
    incident_id: str | None = None
    incident_version: int | None = None
    activity_id: str | None = None
    change_id: str | None = None
    change_version: int | None = None


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """A sentence, and its sources; of a fact, its kind."""

    text: str
    citations: tuple[Citation, ...]
    fact: FactKind | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: facts of the graph first, then sentences in the order of their documents.

    `text` has all of it, a line for each sentence with the numbers of its citations. `routing` is the choice of a
    language model, None if none is configured.
    """

    status: AnswerStatus
    text: str
    sentences: tuple[CitedSentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    documents_searched: int
    origin: AnswerOrigin = AnswerOrigin.EXTRACTED
    routing: Routing | None = None
    lookup: LookupResult | None = None
    # Of its proof; None if it has no sentence.
    id: str | None = None


class CitationNumbers:
    """Numbers distinct citations from 1, in the order of their first use."""

    def __init__(self) -> None:
        self._numbered: dict[Citation, Citation] = {}

    @property
    def citations(self) -> tuple[Citation, ...]:
        """All citations, by number."""
        return tuple(self._numbered.values())

    def assign(self, citations: Sequence[Citation]) -> tuple[Citation, ...]:
        """Return citations with their numbers."""
        for each in citations:
            self._numbered.setdefault(each, replace(each, number=len(self._numbered) + 1))
        return tuple(self._numbered[each] for each in citations)


def cite_facts(facts: Sequence[Fact], numbers: CitationNumbers) -> list[CitedSentence]:
    """Return facts as sentences that cite the versions of their items."""
    cited = _cite_items(facts)
    return [CitedSentence(fact.text, numbers.assign([cited[fact.item.id]]), fact.kind) for fact in facts]


def cite_sentence(
    sentence: DraftSentence, chunks: Mapping[int, DocumentChunkRecord], numbers: CitationNumbers
) -> CitedSentence:
    """Return a sentence of a draft that cites lines of documents."""
    return CitedSentence(sentence.text, numbers.assign(_cite_chunks(sentence, chunks)))


def compose(
    status: AnswerStatus,
    facts: Sequence[Fact],
    generation: Generation,
    passages: tuple[Passage, ...],
    searched: int,
) -> Answer:
    """Return the answer with numbered citations: facts first, then the sentences of a draft over the passages."""
    numbers = CitationNumbers()
    sentences = cite_facts(facts, numbers)
    sentences += [cite_sentence(each, generation.chunks, numbers) for each in generation.sentences]
    lines = [] if status is AnswerStatus.ANSWERED else [_describe_search(passages, searched)]
    lines += [" ".join([each.text, *(f"[{citation.number}]" for citation in each.citations)]) for each in sentences]
    return Answer(
        status,
        "\n".join(lines),
        tuple(sentences),
        numbers.citations,
        passages,
        searched,
        generation.origin,
        generation.routing,
        generation.lookup,
    )


def _cite_items(facts: Sequence[Fact]) -> dict[str, Citation]:
    """Return the citation of each item by its id, with the impacts that all facts about it name."""
    found: dict[str, Citation] = {}
    for fact in facts:
        item = fact.item
        cited = found.get(item.id) or Citation(item.name, item_id=item.id, item_version=item.version)
        found[item.id] = replace(cited, impacts=(*cited.impacts, *fact.impacts))
    return found


def _cite_chunks(sentence: DraftSentence, chunks: Mapping[int, DocumentChunkRecord]) -> tuple[Citation, ...]:
    """Cite the lines of a copied sentence, or all lines of the chunks of one that a model wrote."""
    return tuple(
        Citation(
            chunk.heading,
            document_id=chunk.document_id,
            first_line=sentence.lines[0] if sentence.lines else chunk.first_line,
            last_line=sentence.lines[1] if sentence.lines else chunk.last_line,
            content_hash=chunk.content_hash,
        )
        for chunk in (chunks[number] for number in sentence.sources)
    )


def _describe_search(passages: Sequence[Passage], searched: int) -> str:
    documents = f"{searched:,} document{'' if searched == 1 else 's'}"
    titles = list(dict.fromkeys(passage.chunk.heading.split(" > ")[0] for passage in passages))
    nearest = f"; the nearest: {', '.join(titles)}" if titles else ""
    return f"Nothing in {documents} answers this question{nearest}."
