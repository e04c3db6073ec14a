"""Answers: sentences of documents and facts of the graph, with their sources."""

from collections.abc import Mapping
from typing import Any

import strawberry

from resolvers.answers.answer import AnswerStatus
from resolvers.answers.answer import Citation as CitedSource
from resolvers.answers.generation import AnswerOrigin
from resolvers.answers.loaders import RelationshipIdsByImpact
from resolvers.answers.passages import GraphRelation
from resolvers.answers.passages import Passage as RetrievedPassage
from resolvers.answers.semantic_cache import LookupResult
from resolvers.answers.use_cases import (
    MAX_ITEMS,
    MAX_PASSAGES,
    MAX_QUESTION_LENGTH,
    ask,
    suggest_runbooks,
)
from resolvers.changes.loaders import ChangeById
from resolvers.configuration_items.loaders import ConfigurationItemById
from resolvers.context import Context
from resolvers.documents.loaders import DocumentById
from resolvers.errors import BadUserInput
from resolvers.incidents.loaders import IncidentById
from schema.declarations.enums import register_enum
from schema.declarations.fields import PAGE, Argument, attribute, field, link
from schema.declarations.ids import decode_id_as, encode_id
from schema.declarations.paging import check_bounds
from schema.lazy_types import LazyChange, LazyConfigurationItem, LazyDocument, LazyIncident

ASK_PERMISSION = "answers:ask"
DOCUMENTS_READ_PERMISSION = "documents:read"
MAX_RUNBOOKS = 10
DEFAULT_RUNBOOKS = 3

register_enum(
    AnswerStatus,
    "Whether the question is answered.",
    ANSWERED="Documents or facts have words of the question.",
    UNKNOWN="Nothing that you may read answers it; `text` says what was searched.",
)
register_enum(
    GraphRelation,
    "How the document of a passage is linked to the configuration items of a question or an incident.",
    OWN="It is about one of the items.",
    DEPENDENCY="It is about something that one of the items depends on, at most two hops away.",
    NONE="It is not linked to them.",
)


register_enum(
    AnswerOrigin,
    "Who wrote the sentences about documents.",
    EXTRACTED="They are copied from documents.",
    GENERATED="A language model wrote them, and each was checked against its sources.",
    CACHED="A language model wrote them for an equal or similar question, and no source has changed since.",
)
register_enum(
    LookupResult,
    "How the look-up in the cache of answers ended.",
    HIT="It had the answer.",
    MISS="It had none, or the question is about live state.",
    GUARD_REFUSED="It had answers to similar questions alone, which ask for something else.",
    STALE="It had an answer, of which a source has changed.",
)


@strawberry.type(description="Why a language model was not chosen.")
class ModelRefusal:
    model: str = attribute("The id of the model.")
    reasons: list[str] = attribute("The constraints that it does not meet.", size=5)


@strawberry.type(
    description="The choice of a language model: of those that are able, fast and affordable enough, the cheapest."
)
class RouterDecision:
    model: str | None = attribute("The model that wrote the answer; null if its sentences are copied.")
    reason: str = attribute("Why it was chosen, or why no model wrote the answer.")
    tier: int = attribute("The least tier that the question needs, 1 to 3.", of="decision.tier")
    score: float = attribute("The complexity of the question, from 0.", of="decision.score")
    fallbacks: list[str] = attribute("The models that would have been asked next.", of="decision.fallbacks", size=5)
    refusals: list[ModelRefusal] = attribute("The models that were refused, by id.", of="model_refusals", size=5)
    usd: float = attribute("What all calls for this answer cost, in USD.")
    calls: int = attribute("The number of calls for this answer.")
    rejected: int = attribute("The number of sentences that were left out, as their sources do not support them.")
    is_escalated: bool = attribute("Whether a model of a higher tier was asked, since a draft was not supported.")


async def _relationship_ids(context: Context, citation: CitedSource, _: Any) -> list[str]:
    found = await context.loader(RelationshipIdsByImpact).load_many(citation.impacts)
    return [encode_id("rel", id) for ids in found for id in ids]


@strawberry.type(
    description="The source of a sentence: lines of a document, or a configuration item; in the summary of an incident "
    "also an incident, an entry in its timeline, or a change."
)
class Citation:
    number: int = attribute("Its number in `text`, from 1.")
    heading: str = attribute(
        "The headings above the lines, from the title of the document, for example `Redis > Failover`; or the name of "
        "the item."
    )
    document: LazyDocument | None = link(
        DocumentById,
        "The document; null if an item is cited. One statement for all citations.",
        key="document_id",
        needs=DOCUMENTS_READ_PERMISSION,
    )
    first_line: int | None = attribute("The first line in the body of the document, from 1; null for an item.")
    last_line: int | None = attribute("The last line in the body of the document, inclusive; null for an item.")
    content_hash: str | None = attribute(
        "The SHA-256 of the passage that contains the lines, in hexadecimal digits; null for an item."
    )
    item: LazyConfigurationItem | None = link(
        ConfigurationItemById,
        "The configuration item that the fact is about; null if a document is cited.",
        key="item_id",
        needs="configuration-items:read",
    )
    item_version: int | None = attribute("The version of the item that was read; null for a document.")
    relationship_ids: list[strawberry.ID] | None = field(
        _relationship_ids,
        "The global ids of the relationships with the dependents and dependencies that facts about the item name, at "
        "most three of each; pass them to `nodes`. One statement for all citations.",
        needs="relationships:read",
        size=3,
    )
    incident: LazyIncident | None = link(
        IncidentById,
        "The incident that is cited, or whose timeline is; null in an answer of `ask`.",
        key="incident_id",
        needs="incidents:read",
    )
    incident_version: int | None = attribute("The version of the incident that was read.")
    activity_id: strawberry.ID | None = attribute("The id of the cited entry in the timeline of the incident.")
    change: LazyChange | None = link(
        ChangeById,
        "The change that is cited; null in an answer of `ask`.",
        key="change_id",
        needs="changes:read",
    )
    change_version: int | None = attribute("The version of the change that was read.")


@strawberry.type(description="A sentence of an answer: copied from a document, written by a language model, or a fact.")
class AnswerSentence:
    text: str = attribute("The sentence without Markdown's marks; code that belongs to it follows in lines of its own.")
    citations: list[Citation] = attribute("Its sources.", size=1)


@strawberry.type(description="A part of a document that was retrieved, and the reasons of its rank.")
class Passage:
    record = RetrievedPassage

    rank: int = attribute("Its rank, from 1.")
    document: LazyDocument | None = link(
        DocumentById,
        "The document. One statement for all passages.",
        key="chunk.document_id",
        needs=DOCUMENTS_READ_PERMISSION,
    )
    heading: str = attribute(
        "The headings above it, from the title of the document, for example `Redis > Failover`.", of="chunk.heading"
    )
    text: str = attribute("Its text, Markdown.", of="chunk.body")
    first_line: int = attribute("Its first line in the body of the document, from 1.", of="chunk.first_line")
    last_line: int = attribute("Its last line in the body of the document, inclusive.", of="chunk.last_line")
    content_hash: str = attribute("The SHA-256 of heading and text, in hexadecimal digits.", of="chunk.content_hash")
    keyword_rank: int | None = attribute("Its rank by words alone, from 1; null if it has no word of the question.")
    vector_rank: int | None = attribute(
        "Its rank by similar meaning alone, from 1 to 100; null beyond that, or if no model of embeddings is installed."
    )
    knowledge_base_rank: int | None = attribute(
        "Its rank by the knowledge base of Bedrock, from 1 to 100; null if none is configured, or it did not find it."
    )
    name_match: bool = attribute(
        "Whether the question is, or contains, the title or key of its document; such passages come first."
    )
    relation: GraphRelation = attribute("How its document is linked to the configuration items.")
    factor: float = attribute("The factor of its score that follows from `relation`: 1.5, 1.25 or 1.")


def _answer_id(_: Context, answer: Any, __: Any) -> str | None:
    return None if answer.id is None else encode_id("ans", answer.id)


@strawberry.type(
    description="An answer. Without a language model all sentences of documents are copied, so equal questions on "
    "equal data have equal answers. Documents that you may not read are never quoted."
)
class Answer:
    id: strawberry.ID | None = field(
        _answer_id,
        "The id for `verifyAnswer`, for 30 days; null for an answer without a sentence.",
        needs=ASK_PERMISSION,
    )
    status: AnswerStatus = attribute("Whether the question is answered.")
    text: str = attribute("The whole answer as plain text: a line for each sentence, with the numbers of citations.")
    sentences: list[AnswerSentence] = attribute(
        "Facts about the items in `about`, then at most six sentences in the order of their documents.", size=10
    )
    citations: list[Citation] = attribute("The sources of all sentences, by number.", size=10)
    passages: list[Passage] = attribute("The passages that were considered, best first.", size=MAX_PASSAGES)
    origin: AnswerOrigin = attribute("Who wrote the sentences about documents.")
    router_decision: RouterDecision | None = attribute(
        "The choice of a language model; null if none is configured or no passage was found.", of="routing"
    )
    cache: LookupResult | None = attribute(
        "How the look-up in the cache of answers ended; null without a language model.", of="lookup"
    )
    documents_searched: int = attribute("The number of documents that you may read and that were searched.")


# Parsing five passages and comparing their sentences takes 12 ms of Python on 414 runbooks.
ASK_COST = 5_000
# No Python to speak of, but about 25 ms of the database for a long text: a page of incidents stays within seconds.
SUGGESTION_COST = 1_000


def _ask(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
    return ask(context, arguments["question"], [to_item_id(each) for each in arguments.get("about") or ()])


def to_item_id(text: str) -> str:
    """Return the id of the row of a global id in `about`. BadUserInput if it is of another kind."""
    uuid = decode_id_as("ci", text, "about")
    if uuid is None:
        raise BadUserInput(f"about names {text}, which is not a configuration item", argument="about")
    return uuid


def _suggested_runbooks(context: Context, incident: Any, arguments: Mapping[str, Any]) -> Any:
    first = check_bounds(arguments["first"], "first", MAX_RUNBOOKS, minimum=1)
    return suggest_runbooks(context, incident, first)


@strawberry.type
class HasSuggestedRunbooks:
    """Adds the field `suggestedRunbooks` to a type."""

    suggested_runbooks: list[Passage] | None = field(
        _suggested_runbooks,
        "The parts of runbooks that fit its title, its description and its configuration items, best first. Three "
        "statements, and two more and a walk with configuration items, for all incidents of one level.",
        needs=DOCUMENTS_READ_PERMISSION,
        arguments=(Argument("first", int, f"The maximum number of passages, 1 to {MAX_RUNBOOKS}.", DEFAULT_RUNBOOKS),),
        size=PAGE,
        cost=SUGGESTION_COST,
    )


ASK_ARGUMENTS = (
    Argument(
        "question",
        str,
        f"The question, 1 to {MAX_QUESTION_LENGTH:,} characters, for example `How do I fail over Redis?`.",
    ),
    Argument(
        "about",
        list[strawberry.ID] | None,
        f"Global ids of the configuration items that it is about, at most {MAX_ITEMS}. Documents about them, "
        "and about what they depend on, rank higher.",
    ),
)


@strawberry.type
class AnswerQueries:
    ask: Answer | None = field(
        _ask,
        "Answer a question with sentences of runbooks and knowledge articles, and with facts about configuration "
        "items. Needs `documents:read` too, and `configuration-items:read` for `about`. Eight statements; about items, "
        "up to eight more and three walks; with a language model, three more for each call.",
        needs=ASK_PERMISSION,
        arguments=ASK_ARGUMENTS,
        cost=ASK_COST,
    )
