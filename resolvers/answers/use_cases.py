"""Answer questions with sentences of documents and facts of the graph, and suggest runbooks for incidents."""

import asyncio
from collections.abc import Sequence

from datasources.language.port import Prompt, PromptSource, TaskKind
from datasources.records.configuration_items import ConfigurationItemRecord
from datasources.records.documents import DocumentKind
from datasources.records.incidents import IncidentRecord
from datasources.records.queries import Order, PageRequest
from datasources.values import text_violation
from resolvers.answers.answer import Answer, AnswerStatus, compose
from resolvers.answers.extraction import coverage
from resolvers.answers.facts import Fact, state_facts
from resolvers.answers.generation import draft_answer
from resolvers.answers.extraction import (
    Candidate,
    choose_sentences,
    coverage,
    list_candidates,
)
from resolvers.answers.facts import Fact, FactKind, state_facts
from resolvers.answers.loaders import DocumentCount, TermsByText, TermWeightsByText
from resolvers.answers.passages import Passage
from resolvers.answers.retrieval import retrieve
from resolvers.configuration_items.loaders import ConfigurationItemById, ConfigurationItemsByIncident
from resolvers.context import Context
from resolvers.errors import BadUserInput, LimitExceeded
from resolvers.loading.tables import RowsArguments, Selection

# The share of the terms of a question, without the names of its items, that a fact must have to answer it.
MIN_FACT_COVERAGE = 1 / 3
MAX_QUESTION_LENGTH = 2_000
MAX_ITEMS = 20
MAX_PASSAGES = 5
# Items of one incident that decide which runbooks are suggested, by name.
MAX_INCIDENT_ITEMS = 20

DOCUMENTS_READ = "documents:read"
ITEMS_READ = "configuration-items:read"


class AnswerStatus(StrEnum):
    """Whether something was found that answers the question."""

    ANSWERED = "ANSWERED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Citation:
    """The source of a sentence: lines of a document, or a version of a configuration item.

    `heading` has the headings above the lines, from the title of the document, joined by ' > ', or the name of the
    item. `content_hash` is that of the chunk. `impacts` are those that facts about the item name, as of `Fact`.
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


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """A sentence, and its sources; of a fact, its kind."""

    text: str
    citations: tuple[Citation, ...]
    fact: FactKind | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: facts of the graph first, then sentences in the order of their documents.

    `text` has all of it, a line for each sentence with the numbers of its citations.
    """

    status: AnswerStatus
    text: str
    sentences: tuple[CitedSentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    documents_searched: int


async def ask(context: Context, question: str, about: Sequence[str] = ()) -> Answer:
    """Answer a question about items, by their ids.

    Without a language model, the same question on the same data has the same answer. Raises BadUserInput or
    LimitExceeded, with the argument, for a question that is empty or too long, and for unknown or too many items;
    Forbidden without a permission.
    """
    context.require(DOCUMENTS_READ)
    text = check_question(question)
    items = await load_items(context, about)
    passages, facts, searched, _ = await asyncio.gather(
        retrieve(context, text, [item.id for item in items], MAX_PASSAGES),
        state_facts(context, items),
        context.loader(DocumentCount).load(None),
        # For the draft, which finds it loaded.
        context.loader(TermWeightsByText).load(text),
    )
    generation, is_stated = await asyncio.gather(
        draft_answer(context, _prompt(text, passages), passages, len(items)),
        _is_stated(context, text, items, facts),
    )
    status = AnswerStatus.ANSWERED if generation.sentences or is_stated else AnswerStatus.UNKNOWN
    return compose(status, facts, generation, passages, searched)


async def suggest_runbooks(context: Context, incident: IncidentRecord, first: int) -> tuple[Passage, ...]:
    """Return the passages of runbooks that fit the title, the description and the items of an incident.

    All incidents of one level share their statements.
    """
    items: list[str] = []
    if context.principal.allows(ITEMS_READ):
        arguments = RowsArguments(Selection(extra=(("role", None),)), PageRequest(MAX_INCIDENT_ITEMS, Order("name")))
        page = await context.loader(ConfigurationItemsByIncident, arguments).load(incident.id)
        items = [row.record.id for row in page.rows]
    text = f"{incident.title}\n{incident.description}"[:MAX_QUESTION_LENGTH]
    return await retrieve(context, text, items, first, DocumentKind.RUNBOOK)


def check_question(question: str) -> str:
    """Return a question without surrounding space. BadUserInput or LimitExceeded if it is empty or too long."""
    text = question.strip()
    if not text:
        raise BadUserInput("question is empty; write what you want to know", argument="question")
    if len(text) > MAX_QUESTION_LENGTH:
        message = f"question has {len(text):,} characters; at most {MAX_QUESTION_LENGTH:,} are allowed"
        raise LimitExceeded(message, argument="question", allowed=MAX_QUESTION_LENGTH)
    if violation := text_violation(text):
        raise BadUserInput(f"question {violation}", argument="question")
    return text


async def load_items(context: Context, ids: Sequence[str]) -> list[ConfigurationItemRecord]:
    """Return distinct items by their ids. BadUserInput or LimitExceeded for unknown or too many ones, or Forbidden."""
    if len(ids) > MAX_ITEMS:
        message = f"about has {len(ids)} items; at most {MAX_ITEMS} are allowed"
        raise LimitExceeded(message, argument="about", allowed=MAX_ITEMS)
    if not ids:
        return []
    context.require(ITEMS_READ)
    distinct = list(dict.fromkeys(ids))
    items = await context.loader(ConfigurationItemById).load_many(distinct)
    for id_, item in zip(distinct, items, strict=True):
        if item is None:
            raise BadUserInput(f"about names ci_{id_}, but there is no such configuration item", argument="about")
    return [item for item in items if item is not None]


def _prompt(question: str, passages: Sequence[Passage]) -> Prompt:
    sources = (PromptSource(each.rank, each.chunk.id, each.chunk.heading, each.chunk.body) for each in passages)
    return Prompt(TaskKind.ANSWER, question, tuple(sources))


async def _is_stated(
    context: Context, question: str, items: Sequence[ConfigurationItemRecord], facts: Sequence[Fact]
) -> bool:
    """Whether a fact answers a question. The names of items, which each fact has, are left out of both."""
    if not facts:
        return False
    texts = [question, *(item.name for item in items), *(fact.text for fact in facts)]
    terms = dict(zip(texts, await context.loader(TermsByText).load_many(texts), strict=True))
    rest = terms[question].difference(*(terms[item.name] for item in items))
    return not rest or max(coverage(rest, terms[fact.text]) for fact in facts) >= MIN_FACT_COVERAGE
def _is_answered(question: frozenset[str], facts: Sequence[frozenset[str]]) -> bool:
    """Whether facts cover a question, without the names of their items, which each of them has."""
    if not facts or not question:
        return bool(facts)
    return max(coverage(question, fact) for fact in facts) >= MIN_FACT_COVERAGE


def _compose(
    is_known: bool, facts: Sequence[Fact], chosen: Sequence[Candidate], passages: tuple[Passage, ...], searched: int
) -> Answer:
    cited = _cite_items(facts)
    sources: list[tuple[str, Citation, FactKind | None]] = [
        (fact.text, cited[fact.item.id], fact.kind) for fact in facts
    ]
    sources += [(each.sentence.text, _cite_lines(each), None) for each in chosen]
    numbered: dict[Citation, Citation] = {}
    for _, source, _ in sources:
        numbered.setdefault(source, replace(source, number=len(numbered) + 1))
    lines = [] if is_known else [_describe_search(passages, searched)]
    lines += [f"{text} [{numbered[source].number}]" for text, source, _ in sources]
    return Answer(
        AnswerStatus.ANSWERED if is_known else AnswerStatus.UNKNOWN,
        "\n".join(lines),
        tuple(CitedSentence(text, (numbered[source],), fact) for text, source, fact in sources),
        tuple(numbered.values()),
        passages,
        searched,
    )


def _cite_items(facts: Sequence[Fact]) -> dict[str, Citation]:
    """Return the citation of each item by its id, with the impacts that all facts about it name."""
    found: dict[str, Citation] = {}
    for fact in facts:
        item = fact.item
        cited = found.get(item.id) or Citation(item.name, item_id=item.id, item_version=item.version)
        found[item.id] = replace(cited, impacts=(*cited.impacts, *fact.impacts))
    return found


def _cite_lines(candidate: Candidate) -> Citation:
    chunk, sentence = candidate.passage.chunk, candidate.sentence
    return Citation(
        chunk.heading,
        document_id=chunk.document_id,
        first_line=sentence.first_line,
        last_line=sentence.last_line,
        content_hash=chunk.content_hash,
    )


def _describe_search(passages: Sequence[Passage], searched: int) -> str:
    documents = f"{searched:,} document{'' if searched == 1 else 's'}"
    titles = list(dict.fromkeys(passage.chunk.heading.split(" > ")[0] for passage in passages))
    nearest = f"; the nearest: {', '.join(titles)}" if titles else ""
    return f"Nothing in {documents} answers this question{nearest}."
