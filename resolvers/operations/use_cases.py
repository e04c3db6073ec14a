"""Find the trusted operation that answers a question in words."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from datasources.language.embeddings import open_embedder
from datasources.language.port import LanguageError, ToolChoice
from datasources.records.configuration_items import ConfigurationItemRecord
from resolvers.answers.use_cases import check_question, load_items
from resolvers.context import Context
from resolvers.operations.catalog import Operation, VariableKind
from resolvers.operations.cues import demands_change, read_restriction, wants_procedure
from resolvers.operations.entities import ITEMS_READ, NOUNS, Candidate, Entities, Mention, find_entities
from resolvers.operations.matching import (
    MAX_CHOICES,
    MIN_MARGIN,
    Choice,
    MatchStatus,
    OperationMatch,
    decide,
    explain_ignored,
    rank_choices,
    vocabulary,
)
from resolvers.operations.tools import Choose, list_tools, resolve_choice
from resolvers.operations.words import MAX_WORDS, split_words

# Words that mean the items in `about`.
_THIS = ("it", "its", "this", "these", "them", "that")
_ITEM_NOUNS = NOUNS[VariableKind.ITEM] | {f"{noun}s" for noun in NOUNS[VariableKind.ITEM]}
_OTHER_NOUNS = frozenset(noun for kind, nouns in NOUNS.items() if kind is not VariableKind.ITEM for noun in nouns)


async def find_operation(
    context: Context,
    question: str,
    about: Sequence[str],
    catalog: Sequence[Operation],
    choose: Choose | None = None,
) -> OperationMatch:
    """Return the operation that answers a question about items, given by their ids.

    Nothing is run. A question that demands a change has none. If several operations are near, `choose` lets a model
    decide; its reply only selects among them, and one that names anything else is ignored. If what it selects
    would ignore a word, that choice is asked back. So are both readings if a question that does not mention the items
    is nearer to an operation without them, such as 'which teams are there'.

    Raises BadUserInput or LimitExceeded, with the argument, as `ask` does.
    """
    text = check_question(question)
    items = await load_items(context, about)
    if demands_change(text):
        reason = "it demands a change; words choose only queries, so run the mutation yourself"
        return OperationMatch(MatchStatus.NONE, reason=reason)
    if wants_procedure(text):
        return OperationMatch(MatchStatus.NONE, reason="it is about steps to follow; `ask` finds them in documents")
    if len(split_words(text)) > MAX_WORDS:
        return OperationMatch(MatchStatus.NONE, reason=f"it has more than {MAX_WORDS} words; ask for one thing")
    plain = await find_entities(context, text, vocabulary(catalog))
    entities = add_items(plain, items)
    # In a thread: the first call reads the model, and other requests wait for no file.
    embedder = await asyncio.to_thread(open_embedder)
    embed = embedder.embed if embedder else None
    choices = rank_choices(entities, catalog, embed)
    restriction = read_restriction(text)
    match = decide(choices, entities, restriction, has_model=embed is not None)
    if entities is not plain and find_reference(plain.words) is None:
        other = decide(rank_choices(plain, catalog, embed), plain, restriction, has_model=embed is not None)
        if other.status is MatchStatus.CHOSEN and is_nearer(other.choices[0], choices):
            both = (*other.choices, *match.choices)[:MAX_CHOICES]
            return OperationMatch(MatchStatus.UNSURE, both, "it does not say that it is about the items of `about`")
    if match.status is MatchStatus.NONE and not context.principal.allows(ITEMS_READ):
        return replace(match, reason=f"{match.reason}; without {ITEMS_READ} no item is found")
    if choose is None or match.status is not MatchStatus.UNSURE or entities.unresolved or restriction:
        return match
    reply = await _ask_model(choose, text, choices)
    choice = resolve_choice(reply, choices, entities) if reply else None
    if choice is None:
        return match
    if choice.ignored:
        return OperationMatch(MatchStatus.UNSURE, (choice,), explain_ignored(choice.ignored))
    return OperationMatch(MatchStatus.CHOSEN, (choice,))


async def _ask_model(choose: Choose, question: str, choices: Sequence[Choice]) -> ToolChoice | None:
    try:
        return await choose(question, list_tools(choices))
    except LanguageError:
        return None


def is_nearer(choice: Choice, choices: Sequence[Choice]) -> bool:
    """Whether a choice is clearly nearer to the question than the best of others."""
    return not choices or choice.score - choices[0].score >= MIN_MARGIN


def add_items(entities: Entities, items: Sequence[ConfigurationItemRecord]) -> Entities:
    """Return the entities with items for a word such as `this`, or behind the last word, if no item is mentioned."""
    if not items or entities.of(VariableKind.ITEM):
        return entities
    candidates = tuple(Candidate(f"ci_{item.id}", item.name, 1.0) for item in items[:3])
    words = entities.words
    reference = find_reference(words)
    if reference is None:
        reference = len(words), len(words) + 1
        words = (*words, "")
    mention = Mention(*reference, VariableKind.ITEM, candidates)
    return replace(entities, words=words, mentions=(*entities.mentions, mention))


def find_reference(words: Sequence[str]) -> tuple[int, int] | None:
    """Return the start and end of the words that mean the items in `about`, such as `its` and `this service`.

    Not 'this team', and not 'that' in 'services that use redis'.
    """
    lower = [*(word.lower() for word in words), ""]
    for pronoun in _THIS:
        place = lower.index(pronoun) if pronoun in lower else -1
        follower = lower[place + 1]
        has_noun = follower in _ITEM_NOUNS
        if place >= 0 and follower not in _OTHER_NOUNS and (pronoun != "that" or has_noun or not follower):
            return place, place + 1 + (has_noun and pronoun in {"this", "these", "that"})
    return None
