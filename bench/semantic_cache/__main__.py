"""Measure which pairs of questions share an answer of the cache: `python -m bench.semantic_cache [--misses]`.

A confusable pair that shares one is a false hit. Recall is the share of duplicate pairs that share one. Similarity is
that of the static embeddings; the figures are exact.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from datasources.language.embeddings import open_embedder
from resolvers.answers.questions import has_signs, have_same_structure, is_live, read_question
from resolvers.answers.semantic_cache import MIN_SIMILARITY

FOLDER = Path(__file__).parent
FILES = ("pairs", "unseen")
DUPLICATES = "duplicates"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions, and what differs between them; 'duplicates' if nothing does."""

    kind: str
    one: str
    other: str


def read_pairs(name: str) -> Iterator[Pair]:
    """Yield the pairs of a file."""
    content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    for kind, lines in {**content["confusable"], DUPLICATES: content["duplicates"]}.items():
        for line in lines.strip().splitlines():
            one, other = line.split(" | ")
            yield Pair(kind, one, other)


def share_by_similarity(pair: Pair) -> bool:
    """Whether the embeddings are similar enough; False without a model."""
    embedder = open_embedder()
    vectors = [embedder.embed(text) for text in (pair.one, pair.other)] if embedder else []
    if not vectors or None in vectors:
        return False
    one, other = (vector or () for vector in vectors)
    return sum(x * y for x, y in zip(one, other, strict=True)) >= MIN_SIMILARITY


def share_by_form(pair: Pair) -> bool:
    """Whether the canonical questions are equal, which needs no model."""
    if has_signs(pair.one) or has_signs(pair.other):
        return False
    return read_question(pair.one).canonical == read_question(pair.other).canonical


def share_by_one_word(pair: Pair) -> bool:
    """Whether they are similar, and one has at most one word more: the rule that the guard replaced."""
    one, other = (read_question(text).words for text in (pair.one, pair.other))
    ordered = [word for word in one if word in other] == [word for word in other if word in one]
    return ordered and len(set(one) ^ set(other)) <= 1 and share_by_similarity(pair)


def share_by_guard(pair: Pair) -> bool:
    """Whether the structure is the same, whatever the similarity."""
    if has_signs(pair.one) or has_signs(pair.other):
        return False
    return have_same_structure(read_question(pair.one), read_question(pair.other))


def share_in_cache(pair: Pair) -> bool:
    """Whether the cache has one answer for both: the form is equal, or they are similar and of the same structure."""
    if any(is_live(each) or has_signs(each) for each in (pair.one, pair.other)):
        return False
    return share_by_form(pair) or (share_by_similarity(pair) and share_by_guard(pair))


WAYS = {
    "similarity": share_by_similarity,
    "one word": share_by_one_word,
    "equal form": share_by_form,
    "guard": share_by_guard,
    "cache": share_in_cache,
}


def measure(name: str) -> Mapping[str, list[int]]:
    """Return by kind the number of pairs, and how many share an answer in each of WAYS."""
    counts: dict[str, list[int]] = {}
    for pair in read_pairs(name):
        row = counts.setdefault(pair.kind, [0] * (1 + len(WAYS)))
        for place, value in enumerate((True, *(share(pair) for share in WAYS.values()))):
            row[place] += value
    return counts


def main() -> None:
    """Print a table for each file."""
    console = Console()
    for name in FILES:
        table = Table("kind", "pairs", *WAYS, title=f"{name}: pairs that share an answer")
        counts = measure(name)
        for kind, row in counts.items():
            if kind != DUPLICATES:
                table.add_row(kind, *map(str, row))
        confusable = [
            sum(column) for column in zip(*(row for kind, row in counts.items() if kind != DUPLICATES), strict=True)
        ]
        table.add_row("all confusable", *map(str, confusable), style="bold")
        table.add_row(DUPLICATES, *map(str, counts[DUPLICATES]), style="bold")
        console.print(table)
        if "--misses" in sys.argv:
            for pair in read_pairs(name):
                if share_in_cache(pair) != (pair.kind == DUPLICATES):
                    console.print(f"{pair.kind}: {pair.one} | {pair.other}")


if __name__ == "__main__":
    main()
