"""Search: one text, everything that matches it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import strawberry

from datasources.records.search import SearchHit, SearchKind
from resolvers.context import Context
from resolvers.search.use_cases import search
from schema.declarations.enums import register_enum
from schema.declarations.fields import PAGE, Argument, attribute, field
from schema.declarations.node import Node
from schema.declarations.paging import check_bounds

MAX_RESULTS = 50
DEFAULT_RESULTS = 10

register_enum(
    SearchKind,
    "What can be found.",
    CONFIGURATION_ITEM="A configuration item.",
    INCIDENT="An incident that you may see.",
    CHANGE="A change.",
    DOCUMENT="A runbook or a piece of knowledge.",
    WORKFLOW="A revision of a workflow.",
    TEAM="A team.",
    USER="A person.",
    REQUIREMENT="A requirement.",
)


@cache
def types_by_kind() -> Mapping[str, type[Node]]:
    """The GraphQL type of each kind: INCIDENT is Incident. Found by name, so that no domain is imported here."""
    named = {each.__name__: each for each in Node.__subclasses__()}
    spelled = {kind.value: kind.value.title().replace("_", "") for kind in SearchKind}
    return {kind: named[name] for kind, name in spelled.items() if name in named}


def _node(context: Context, hit: SearchHit, _: Mapping[str, Any]) -> Any:
    type_ = types_by_kind().get(hit.kind.value)
    return None if type_ is None else context.loader(type_.by_id).load(hit.id)


def _search(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
    first = check_bounds(arguments["first"], "first", MAX_RESULTS, minimum=1)
    return search(context, arguments["text"], arguments.get("kinds"), first)


@strawberry.type(description="Something that matches the text.")
class SearchResult:
    record = SearchHit

    score: float = attribute(
        "How well it matches: 1 is an exact number, key or name; from 0.5 the words match; below, only the spelling."
    )
    kind: SearchKind = attribute("What it is.")
    title: str = attribute("Its title or name.")
    excerpt: str | None = attribute(
        "Plain text around the match, about two lines; only of incidents and documents, and null where there is none."
    )
    node: Node | None = field(
        _node, "What was found, whole. One statement for each kind among the results.", needs=None
    )


@strawberry.type(description="What a search found, and where it could not look.")
class SearchResults:
    results: list[SearchResult] = attribute("What matches, best first.", size=PAGE)
    missing: list[str] = attribute(
        "The stores that did not answer, for example `requirements`; empty when the search is complete.",
        size=2,
    )


@strawberry.type
class SearchQueries:
    search: SearchResults | None = field(
        _search,
        "Whatever matches a text: an exact number or key first, then words (the last may be a beginning), then similar "
        "spellings. Words that very many rows hold are ranked among the first 2,000 of a kind. Costs one statement in "
        "each database. Kinds you may not read are left out.",
        needs="search:read",
        arguments=(
            Argument("text", str, "What to look for, 1 to 200 characters, for example `paymnt gateway`."),
            Argument("kinds", list[SearchKind] | None, "Only these kinds; each needs its permission. All by default."),
            Argument("first", int, "At most this many results, 1 to 50.", DEFAULT_RESULTS),
        ),
    )
