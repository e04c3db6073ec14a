"""Answer questions with sentences of documents and facts of the graph, and suggest runbooks for incidents."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

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
from resolvers.answers.loaders import DocumentCount, TermsByText, TermWeightsByText
from resolvers.answers.passages import Passage
from resolvers.answers.progress import AnswerProgress
from resolvers.answers.proofs import store_answer
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


async def ask(
    context: Context, question: str, about: Sequence[str] = (), progress: AnswerProgress | None = None
) -> Answer:
    """Answer a question about items, by their ids. `progress` publishes its sentences as they are written.

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
    if progress is not None:
        progress.state_facts(facts)
    begin_draft = None if progress is None else progress.begin_draft
    generation, is_stated = await asyncio.gather(
        draft_answer(context, _prompt(text, passages), passages, items, begin_draft),
        _is_stated(context, text, items, facts),
    )
    status = AnswerStatus.ANSWERED if generation.sentences or is_stated else AnswerStatus.UNKNOWN
    answer = compose(status, facts, generation, passages, searched)
    return replace(answer, id=await store_answer(context, answer)) if answer.sentences else answer


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
