"""Exchanges: two words or phrases of a sentence that are in each other's place, with the same words between them."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from resolvers.answers.forms.tokens import BREAK, MARKERS, STOP, Token
from resolvers.answers.words import NEGATIONS

# Words in one order are compared up to this number: the time grows with its square.
MAX_WORDS = 40
_LINKS = frozenset({BREAK, STOP, "and", "or"})
_ARTICLES = frozenset({"the", "a", "an"})


def keeps_places(sentence: Sequence[Token], evidence: Sequence[Token]) -> bool:
    """Whether a sentence does not exchange two parts of the evidence around words that both have, as 'A calls B'.

    Clauses may be exchanged as wholes, members of a list too. Only sentences with the same words are compared.
    """
    said, found = _keys(sentence), _keys(evidence)
    words = [key for _, key in said], [key for _, key in found]
    if len(said) > MAX_WORDS or Counter(words[0]) != Counter(words[1]):
        return True
    start, end = _exchanged(*words)
    return start == end or _is_list([place for place, _ in found[start:end]], evidence)


def _keys(tokens: Sequence[Token]) -> list[tuple[int, str]]:
    return [
        (place, token.root or token.word)
        for place, token in enumerate(tokens)
        if token.root or token.word in NEGATIONS or token.word in MARKERS
    ]


def _exchanged(said: list[str], found: list[str]) -> tuple[int, int]:
    """Return where the exchanged parts begin and end in the evidence; nowhere if they are next to each other."""
    start = next((place for place, pair in enumerate(zip(said, found, strict=True)) if pair[0] != pair[1]), len(said))
    end = len(said)
    while end > start and said[end - 1] == found[end - 1]:
        end -= 1
    one, other = found[start:end], said[start:end]
    if _is_turned(found, said) or _is_turned(one, other):
        return start, start
    for first in range(1, len(one) - 1):
        for last in range(first + 1, len(one)):
            if other == one[last:] + one[first:last] + one[:first]:
                return start, end
    return start, start


def _is_turned(one: list[str], other: list[str]) -> bool:
    return any(other == one[cut:] + one[:cut] for cut in range(len(one)))


def _is_list(places: Sequence[int], evidence: Sequence[Token]) -> bool:
    """Whether a mark, 'and' or 'or' stands between each two words, with at most articles."""
    between = [{token.word for token in evidence[one + 1 : other]} for one, other in pairwise(places)]
    return all(words & _LINKS and words <= _LINKS | _ARTICLES for words in between)
