"""Conditions and negations: what a sentence excepts, requires or denies, and whether another sentence keeps it."""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from resolvers.answers.forms.tokens import (
    STOP,
    Token,
    clause_start,
    content_after,
    content_before,
    has_root,
    next_mark,
    roots,
    share,
)
from resolvers.answers.words import NEGATIONS, WEAK_NEGATIONS, root

# The share of the words of a main clause that a sentence must have to repeat it.
MIN_MAIN_SHARE = 0.8
# The share of the words of a condition of which a sentence must have more to keep it.
MIN_CONDITION_SHARE = 0.5
# Content words after a negation that it may deny.
MAX_SCOPE = 6
_EXCEPTIONS = frozenset({"unless", "except", "without"})
_CONDITIONS = _EXCEPTIONS | {"onlyif", "until", "before", "if"}
# Other words that may stand for one of them.
_SUBORDINATES = _CONDITIONS | {"when", "once", "after", "while", "then", "first", "otherwise", "insteadof"}
# Conditions that say nothing: 'if necessary'.
_IDLE = frozenset(
    map(root, ("necessary", "possible", "relevant", "applicable", "appropriate", "desired", "required", "want"))
)
_SUPPOSITIONS = frozenset({"if", "unless", "onlyif", "whether"})
_MODALS = frozenset({"can", "could", "may", "might"})
_POSSIBLE = _MODALS | {
    "if",
    "when",
    "possibly",
    "sometimes",
    "potentially",
    "likely",
    "risk",
    "possible",
    "able",
    "allows",
}
_FORBIDDEN, _UNNEEDED = "forbidden", "unneeded"
_NEEDS = frozenset({"need", "needed", "needs", "have", "require", "required", "necessary"})
_DENIALS = NEGATIONS | WEAK_NEGATIONS | _EXCEPTIONS | {"onlyif", "until", "before", "insteadof", "only"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A clause of a sentence that begins with a word such as 'unless', and the main clause that it limits, by roots."""

    marker: str
    main: frozenset[str]
    condition: frozenset[str]


def list_conditions(tokens: Sequence[Token]) -> Iterator[Condition]:
    """Yield the conditions of a sentence with what they limit."""
    for place, token in enumerate(tokens):
        if token.word not in _CONDITIONS:
            continue
        start = clause_start(tokens, place)
        end = next_mark(tokens, place + 1)
        main = tokens[start:place]
        if not roots(main):
            # The condition comes first: 'Unless it lags, promote it.'
            main = tokens[end + 1 : next_mark(tokens, end + 1, {STOP})]
        yield Condition(token.word, roots(main), roots(tokens[place:end]))


def keeps_conditions(sentence: Sequence[Token], text: Sequence[Token], evidence: Sequence[Token]) -> bool:
    """Whether a sentence that repeats a main clause of the evidence has its condition too, it or the text around it."""
    said, words = roots(sentence), roots(text)
    markers = sum(token.word in _SUBORDINATES for token in text)
    expected = sum(token.word in _SUBORDINATES for token in evidence)
    denies = _count(text, _EXCEPTIONS).total() > 0 or bool(_count(text, _DENIALS) - _count(evidence, _DENIALS))
    for each in list_conditions(evidence):
        if not each.main or each.condition <= _IDLE or share(each.main, said) < MIN_MAIN_SHARE:
            continue
        if share(each.condition, words) <= MIN_CONDITION_SHARE:
            if markers < expected:
                return False
        elif each.marker in _EXCEPTIONS and not denies:
            return False
    return True


def keeps_negations(sentence: Sequence[Token], evidence: Sequence[Sequence[Token]]) -> bool:
    """Whether each word that a sentence denies is denied by the evidence, or is not in it at all."""
    words = frozenset[str]().union(*map(roots, evidence))
    denied = frozenset[str]().union(
        *(_scope(tokens, place) for tokens in evidence for place, each in enumerate(tokens) if each.word in _DENIALS)
    )
    for place, token in enumerate(sentence):
        if token.word in NEGATIONS:
            head = next(content_after(sentence, place, 1), None)
            if head is not None and head.root in words and not has_root(head.root, denied):
                return False
    return True


def keeps_suppositions(sentence: Sequence[Token], evidence: Sequence[Token]) -> bool:
    """Whether a sentence does not state as a fact what the evidence only supposes: 'check whether X', 'if X, do Y'."""
    if any(token.word in _SUBORDINATES or token.word == "whether" for token in sentence):
        return True
    said = roots(sentence)
    for place, token in enumerate(evidence):
        if token.word in _SUPPOSITIONS:
            supposed = evidence[place : next_mark(evidence, place + 1)]
            rest = roots([*evidence[:place], *evidence[place + len(supposed) :]])
            if said and said <= roots(supposed) and said.isdisjoint(rest):
                return False
    return True


def keeps_exceptions(words: Sequence[str], evidence: Sequence[str]) -> bool:
    """Whether a near copy exchanged 'unless', 'without' and 'except' only for a denial, and a denial for them."""
    said, found = (Counter(word for word in each if word in _DENIALS) for each in (words, evidence))
    lost, gained = found - said, said - found
    return bool(lost) == bool(gained) or _EXCEPTIONS.isdisjoint([*lost, *gained])


def keeps_modals(sentence: Sequence[Token], evidence: Sequence[Sequence[Token]]) -> bool:
    """Whether a sentence forbids nothing of which the evidence only says that it is not needed; nor the reverse."""
    found = {kind for tokens in evidence for kind in _list_denials(tokens)}
    said = set(_list_denials(sentence))
    return not ((_FORBIDDEN in said and found == {_UNNEEDED}) or (_UNNEEDED in said and found == {_FORBIDDEN}))


def keeps_possibility(sentence: Sequence[Token], evidence: Sequence[Token]) -> bool:
    """Whether a sentence does not state that something happens that the evidence only says may happen."""
    if any(token.word in _POSSIBLE for token in sentence):
        return True
    facts = {token.root for token in sentence if token.root and token.word.endswith("s")}
    for place, token in enumerate(evidence[1:-1], start=1):
        if token.word in _MODALS and evidence[place - 1].root:
            verb = evidence[place + 1]
            if verb.root in facts and not verb.word.endswith("s"):
                return False
    return True


def _list_denials(tokens: Sequence[Token]) -> Iterator[str]:
    for place, token in enumerate(tokens):
        before = tokens[place - 1].word if place else ""
        after = tokens[place + 1].word if place + 1 < len(tokens) else ""
        if token.word in {"not", "never", "no"}:
            if before == "need" or after in _NEEDS:
                yield _UNNEEDED
            elif before in {"must", "should", "may", "can", "could", "do", "shall"} or token.word == "never":
                yield _FORBIDDEN


def _count(tokens: Sequence[Token], words: Container[str]) -> Counter[str]:
    return Counter(token.word for token in tokens if token.word in words)


def _scope(tokens: Sequence[Token], place: int) -> frozenset[str]:
    return roots(content_after(tokens, place, MAX_SCOPE)) or roots(content_before(tokens, place, MAX_SCOPE))
