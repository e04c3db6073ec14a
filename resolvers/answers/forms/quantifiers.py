"""Quantifiers: how many of what a sentence speaks of, and whether another sentence says the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resolvers.answers.forms.tokens import Token, content_after, content_before, has_root, roots
from resolvers.answers.words import number

# Words of a noun phrase after its quantifier that are compared.
NOUN_WORDS = 3
# Content words around a word such as 'only' that it may exclude others of.
FOCUS, MAX_FOCUS = 2, 4
_BOUNDS = frozenset({"atmost", "atleast", "morethan", "lessthan"})
ALL, SOME, MOST, ONE = "all", "some", "most", "one"
# Each line has words with one meaning.
_KINDS = {
    word: kind
    for kind, words in (
        (ALL, "all every each any both entire"),
        (SOME, "some several few certain"),
        (MOST, "most majority"),
        (ONE, "one single"),
    )
    for word in words.split()
}
_ANYONE = frozenset({"anyone", "anybody", "everyone", "everybody"})
# Words between a quantifier and its noun.
_BETWEEN = frozenset(
    {"of", "the", "these", "those", "its", "their", "your", "our", "other", "such", "a", "an", "or", "to"}
)
_EXCLUSIVE = frozenset({"only", "just", "alone", "single", "one", "onlyif", "except", "unless", "insteadof"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A kind, a number of 1 or more with its bound, such as 'atleast 2', or a kind such as ALL; and what is counted."""

    kind: str
    noun: tuple[Token, ...]
    # Whether it is a number in digits, which the source has somewhere.
    in_digits: bool = False

    @property
    def roots(self) -> frozenset[str]:
        """The roots of what is counted."""
        return roots(self.noun)

    @property
    def head(self) -> str:
        """The root of the first word in the plural, or of the first one."""
        return next((each for each in self.noun if each.word.endswith("s")), self.noun[0]).root if self.noun else ""


def list_quantities(tokens: Sequence[Token]) -> Iterator[Quantity]:
    """Yield the quantifiers and numbers of a sentence, each with its noun phrase, which may be empty."""
    for place, token in enumerate(tokens):
        before = tokens[place - 1].word if place else ""
        digits = "1" if token.word == "one" and before in _BOUNDS else _digits(token.word)
        if digits is not None:
            kind = f"{before} {digits}" if before in _BOUNDS else digits
            yield Quantity(kind, _noun(tokens, place), in_digits=kind == token.word)
        elif token.word in _KINDS and not _is_superlative(tokens, place):
            yield Quantity(_KINDS[token.word], _noun(tokens, place))
            if token.word == "both":
                yield Quantity("2", _noun(tokens, place))


def keeps_quantities(sentence: Sequence[Token], evidence: Sequence[Sequence[Token]]) -> bool:
    """Whether a sentence of the evidence has each quantifier, and each 'only', of a sentence with the same noun."""
    words = {token.word for tokens in evidence for token in tokens}
    if any(token.word in _ANYONE and words.isdisjoint(_ANYONE) for token in sentence):
        return False
    found = [(list(list_quantities(tokens)), tokens) for tokens in evidence]
    for one in list_quantities(sentence):
        with_noun = [each for each in found if _has_noun(one, each[1])]
        if not any(_is_supported(one, quantities, tokens) for quantities, tokens in with_noun or found):
            return False
    return _has_exclusions(sentence, evidence) and _has_pairs(sentence, evidence)


def _has_pairs(sentence: Sequence[Token], evidence: Sequence[Sequence[Token]]) -> bool:
    """Whether numbers in a row, as 'two of three', have the same word between them as in the evidence."""
    found = [pair for tokens in evidence for pair in _list_pairs(tokens)]
    others = {(one, other) for one, _, other in found}
    return all(pair in found or (pair[0], pair[2]) not in others for pair in _list_pairs(sentence))


def _list_pairs(tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    words = [token for token in tokens if token.word not in {"out", "the"}]
    for one, link, other in zip(words, words[1:], words[2:], strict=False):
        numbers = _digits(one.word), _digits(other.word)
        if numbers[0] and numbers[1] and link.word in {"of", "or", "and", "to"}:
            yield numbers[0], link.word, numbers[1]


def _digits(word: str) -> str | None:
    """Return a number in digits, with its unit in '10m'; None for another word."""
    return word if word[0].isdigit() else number(word)


def _is_superlative(tokens: Sequence[Token], place: int) -> bool:
    """Whether 'most' makes an adjective, as in 'the most critical step'."""
    noun = tokens[place + 1 : place + 2]
    return tokens[place].word == "most" and not (noun and (noun[0].word == "of" or noun[0].word.endswith("s")))


def _noun(tokens: Sequence[Token], place: int) -> tuple[Token, ...]:
    words: list[Token] = []
    for token in tokens[place + 1 : place + 1 + 2 * NOUN_WORDS]:
        if token.root and _digits(token.word) is None:
            words.append(token)
        elif words or not (token.word in _BETWEEN or token.word in _KINDS or token.root):
            break
    return tuple(words[:NOUN_WORDS])


def _is_supported(one: Quantity, found: Sequence[Quantity], evidence: Sequence[Token]) -> bool:
    if any(each.kind == one.kind and (not one.noun or _is_same_noun(one, each)) for each in found):
        return True
    same = [each for each in found if _is_same_noun(one, each)]
    has_noun = _has_noun(one, evidence)
    if one.kind[-1].isdigit():
        # A number may stand far from its noun, unless another one stands there.
        is_there = has_noun and any(each.kind == one.kind for each in found)
        return (is_there or one.in_digits) and not any(each.kind[-1].isdigit() for each in same)
    if one.kind == MOST:
        return has_noun and any(each.kind == MOST for each in found)
    if same or one.kind != ALL:
        return not same
    # 'The servers each store': it stands after its noun. 'Silence alerts' is the same as 'silence all alerts'.
    return has_noun and (
        any(each.kind == ALL for each in found)
        or any(token.word.endswith("s") and has_root(token.root, {one.head}) for token in evidence if token.root)
    )


def _has_noun(one: Quantity, evidence: Sequence[Token]) -> bool:
    return not one.noun or any(has_root(each, roots(evidence)) for each in one.roots)


def _is_same_noun(one: Quantity, other: Quantity) -> bool:
    return any(has_root(each, other.roots) for each in one.roots)


def _has_exclusions(sentence: Sequence[Token], evidence: Sequence[Sequence[Token]]) -> bool:
    windows = [
        _window(tokens, place) for tokens in evidence for place, token in enumerate(tokens) if token.word in _EXCLUSIVE
    ]
    for place, token in enumerate(sentence):
        if token.word == "only" and not _is_adverb(sentence, place):
            focus = roots(content_after(sentence, place, FOCUS)) or roots(content_before(sentence, place, FOCUS))
            if focus and not any(has_root(each, window) for each in focus for window in windows):
                return False
    return True


def _window(tokens: Sequence[Token], place: int) -> frozenset[str]:
    # Marks do not end it: 'only one (the leader) accepts'.
    words = [token for token in tokens[:place] if token.root][-MAX_FOCUS:]
    return roots([*words, *[token for token in tokens[place:] if token.root][:MAX_FOCUS]])


def _is_adverb(tokens: Sequence[Token], place: int) -> bool:
    """Whether 'only' belongs to a verb, as in 'it only starts', which says little."""
    before, after = tokens[place - 1 : place], tokens[place + 1 : place + 2]
    return bool(before and before[0].word.isalnum() and after and after[0].root)
