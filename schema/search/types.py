"""Full-text search over all kinds of objects."""

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
    "The kind of a search result.",
    CONFIGURATION_ITEM="A configuration item.",
    INCIDENT="An incident that you are permitted to see.",
    CHANGE="A change.",
    DOCUMENT="A runbook or a knowledge article.",
    WORKFLOW="A revision of a workflow.",
    TEAM="A team.",
    USER="A person.",
    REQUIREMENT="A requirement.",
)


@cache
def types_by_kind() -> Mapping[str, type[Node]]:
    """Return the GraphQL type of each kind: Incident for INCIDENT. The lookup is by name, so no domain is imported."""
    types = {each.__name__: each for each in Node.__subclasses__()}
    names = {kind.value: kind.value.title().replace("_", "") for kind in SearchKind}
    return {kind: types[name] for kind, name in names.items() if name in types}


def _node(context: Context, hit: SearchHit, _: Mapping[str, Any]) -> Any:
    type_ = types_by_kind().get(hit.kind.value)
    return None if type_ is None else context.loader(type_.by_id).load(hit.id)


def _search(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
    first = check_bounds(arguments["first"], "first", MAX_RESULTS, minimum=1)
    return search(context, arguments["text"], arguments.get("kinds"), first)


@strawberry.type(description="An object that matches the text.")
class SearchResult:
    record = SearchHit

    score: float = attribute(
        "How well it matches: 1 for an exact number, key or name; from 0.5, the words match; below, the spelling is "
        "similar."
    )
    kind: SearchKind = attribute("Its kind.")
    title: str = attribute("Its title or name.")
    excerpt: str | None = attribute(
        "Plain text around the match, about two lines, for incidents and documents; otherwise null."
    )
    node: Node | None = field(_node, "The object itself. One statement for each kind among the results.", needs=None)


@strawberry.type(description="The results of a search, and the stores that it could not search.")
class SearchResults:
    results: list[SearchResult] = attribute("The matching objects, best matches first.", size=PAGE)
    missing: list[str] = attribute(
        "The stores that did not answer, for example `requirements`; empty when the search is complete.",
        size=2,
    )


@strawberry.type
class SearchQueries:
    search: SearchResults | None = field(
        _search,
        "Search all kinds: exact numbers and keys first, then words (the last one can be a prefix), then similar "
        "spellings. For words in very many rows, only the first 2,000 rows of a kind are ranked. Costs one statement "
        "in "
        "each database. Kinds that you are not permitted to read are left out.",
        needs="search:read",
        arguments=(
            Argument("text", str, "The text to search for, 1 to 200 characters, for example `paymnt gateway`."),
            Argument(
                "kinds",
                list[SearchKind] | None,
                "Only these kinds; each needs its permission. Default: all permitted kinds.",
            ),
            Argument("first", int, "The maximum number of results, 1 to 50.", DEFAULT_RESULTS),
        ),
    )
