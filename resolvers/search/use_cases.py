"""Search all kinds that the caller may read, in both databases; an unavailable one is reported, not fatal."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from datasources.records.search import SearchHit, SearchKind, SearchQuery
from resolvers.context import Context
from resolvers.errors import BadUserInput, SourceLost
from resolvers.search.loaders import HitsBySearch, RequirementHitsBySearch

MAX_TEXT_LENGTH = 200

PERMISSIONS = MappingProxyType(
    {
        SearchKind.CONFIGURATION_ITEM: "configuration-items:read",
        SearchKind.INCIDENT: "incidents:read",
        SearchKind.CHANGE: "changes:read",
        SearchKind.DOCUMENT: "documents:read",
        SearchKind.WORKFLOW: "workflows:read",
        SearchKind.TEAM: "teams:read",
        SearchKind.USER: "users:read",
        SearchKind.REQUIREMENT: "requirements:read",
    }
)


@dataclass(frozen=True, slots=True)
class SearchResults:
    """The best hits, and the stores that did not answer."""

    results: tuple[SearchHit, ...]
    missing: tuple[str, ...]


async def search(context: Context, text: str, kinds: Sequence[SearchKind] | None, first: int) -> SearchResults:
    """Return the best `first` hits. Named kinds need their permission; without names, all permitted kinds are searched.

    Raises BadUserInput for a text that is empty or longer than MAX_TEXT_LENGTH characters; Forbidden for a named kind.
    """
    query = SearchQuery(_text(text), _kinds(context, kinds), first)
    if not any(character.isalnum() for character in query.text):
        # Neither a word nor a trigram: nothing can match.
        return SearchResults((), ())
    main = tuple(kind for kind in query.kinds if kind is not SearchKind.REQUIREMENT)
    searches = []
    if main:
        searches.append(context.loader(HitsBySearch).load(SearchQuery(query.text, main, first)))
    if SearchKind.REQUIREMENT in query.kinds:
        requirements = SearchQuery(query.text, (SearchKind.REQUIREMENT,), first)
        searches.append(context.loader(RequirementHitsBySearch).load(requirements))
    hits: list[SearchHit] = []
    missing: list[str] = []
    # Gathered, not caught one by one: an unavailable store must not cancel the search in the other one.
    for outcome in await asyncio.gather(*searches, return_exceptions=True):
        if isinstance(outcome, SourceLost):
            missing.append(str(outcome.extensions["store"]))
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            hits.extend(outcome)
    hits.sort(key=lambda hit: (-hit.score, hit.kind, hit.title, hit.id))
    return SearchResults(tuple(hits[:first]), tuple(missing))


def _text(text: str) -> str:
    stripped = text.strip()
    if not 1 <= len(stripped) <= MAX_TEXT_LENGTH:
        raise BadUserInput(f"text has {len(stripped)} characters; 1 to {MAX_TEXT_LENGTH} are allowed", argument="text")
    if "\0" in stripped:
        raise BadUserInput("text contains a NUL character, which no stored text contains", argument="text")
    return stripped


def _kinds(context: Context, kinds: Sequence[SearchKind] | None) -> tuple[SearchKind, ...]:
    if kinds is None:
        return tuple(kind for kind in SearchKind if context.principal.allows(PERMISSIONS[kind]))
    for kind in kinds:
        context.require(PERMISSIONS[kind])
    return tuple(kind for kind in SearchKind if kind in kinds)
