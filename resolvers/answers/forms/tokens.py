"""Tokens of a sentence: words with their roots, marks that divide it, and phrases that count as one word."""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from resolvers.answers.vocabulary import SYNONYMS
from resolvers.answers.words import FUNCTION_WORDS, NEGATIONS, expand_contractions, join_bounds, number, root

# Tokens of a sentence that are read: an endless one has too many relations.
MAX_TOKENS = 100
BREAK = ","
STOP = ";"
_TOKEN = re.compile(r"[^\W_]+(?:['’][a-z]{1,2}\b)?|[,;:()](?=\s|$)|[.!?](?=\s)|(?<=\s)[-–—(](?=[\s\w])")
# Phrases that become one token each, in this order.
_PHRASES = tuple(
    (re.compile(phrase), token)
    for phrase, token in (
        (r"\b(?:(?:more|greater|higher) than|over|above)(?= (?:\d|(?:one|two|three|four|five|six|ten)\b))", "morethan"),
        (r"\b(?:(?:less|fewer|lower) than|under|below)(?= (?:\d|(?:one|two|three|four|five|six|ten)\b))", "lessthan"),
        (r"(?<=\w)-only\b", ""),
        (r"\bonly (?:if|when|once|after)\b", "onlyif"),
        (r"\b(?:instead of|rather than|in place of|in favou?r of)\b", "insteadof"),
        (r"\b(?:as soon as|as long as)\b", "once"),
        (r"\b(?:except for|with the exception of|other than|apart from)\b", "except"),
        (r"\b(?:in order to)\b", "to"),
    )
)
_MARKERS = """
atmost atleast morethan lessthan onlyif insteadof once except unless without until before after when while if then from
to into onto by over than only first
"""
# Words that say how clauses or nouns belong together, and no content.
MARKERS = frozenset(_MARKERS.split())


@dataclass(frozen=True, slots=True)
class Token:
    """A word in lower case, or BREAK or STOP for a mark; its root, empty if it has no content."""

    word: str
    root: str


@lru_cache(4_096)
def read_tokens(text: str) -> tuple[Token, ...]:
    """Return the first MAX_TOKENS of a sentence, in order."""
    lower = join_bounds(expand_contractions(text.lower().replace("`", "")))
    for pattern, token in _PHRASES:
        lower = pattern.sub(token, lower)
    return tuple(_token(match[0]) for match in islice(_TOKEN.finditer(lower), MAX_TOKENS))


def roots(tokens: Iterable[Token]) -> frozenset[str]:
    """Return the roots of the tokens with content."""
    return frozenset(token.root for token in tokens if token.root)


def share(some: frozenset[str], others: frozenset[str]) -> float:
    """Return the share of some roots that others have, themselves or by a synonym; 1 for none."""
    return sum(has_root(each, others) for each in some) / len(some) if some else 1.0


def has_root(one: str, others: Set[str]) -> bool:
    """Whether roots have one, or a synonym of it."""
    return one in others or not others.isdisjoint(SYNONYMS.get(one, ()))


def content_after(tokens: Sequence[Token], place: int, limit: int) -> Iterator[Token]:
    """Yield at most so many tokens with content between a place and the next mark."""
    for token in tokens[place + 1 :]:
        if token.word in {BREAK, STOP} or limit == 0:
            return
        if token.root:
            limit -= 1
            yield token


def content_before(tokens: Sequence[Token], place: int, limit: int) -> Iterator[Token]:
    """Yield at most so many tokens with content before a place, the nearest first, up to a mark."""
    return content_after(tokens[::-1], len(tokens) - 1 - place, limit)


def clause_start(tokens: Sequence[Token], place: int) -> int:
    """Return where the clause before a place begins: after the last mark with content between it and the place."""
    for start in range(place, 0, -1):
        mark = tokens[start - 1].word
        if mark == STOP or (mark == BREAK and roots(tokens[start:place])):
            return start
    return 0


def next_mark(tokens: Sequence[Token], place: int, marks: Set[str] = frozenset({BREAK, STOP})) -> int:
    """Return the place of the next of some words from a place on, or the end."""
    return next((end for end in range(place, len(tokens)) if tokens[end].word in marks), len(tokens))


def _token(word: str) -> Token:
    if not word[0].isalnum():
        return Token(STOP if word in ";:.!?" else BREAK, "")
    word = re.sub(r"['’][a-z]{1,2}$", "", word)
    is_empty = word in FUNCTION_WORDS or word in NEGATIONS or word in MARKERS
    return Token(word, "" if is_empty else number(word) or root(word))
