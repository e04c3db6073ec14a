"""Faithfulness: whether the sources of the sentences of a draft support them, decided by rules without a model."""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from resolvers.answers.forms.conditions import (
    keeps_conditions,
    keeps_exceptions,
    keeps_modals,
    keeps_negations,
    keeps_possibility,
    keeps_suppositions,
)
from resolvers.answers.forms.exchanges import keeps_places
from resolvers.answers.forms.prohibitions import keeps_prohibitions
from resolvers.answers.forms.quantifiers import keeps_quantities
from resolvers.answers.forms.relations import keeps_relations
from resolvers.answers.forms.tokens import read_tokens
from resolvers.answers.forms.units import keeps_amounts
from resolvers.answers.markup import list_markup
from resolvers.answers.statements import (
    MAX_CHARACTERS,
    Source,
    Statement,
    has_atoms,
    read,
    read_source,
    split_clauses,
    split_sentences,
    with_synonyms,
    word_root,
)
from resolvers.answers.vocabulary import CRITICAL, are_opposite
from resolvers.answers.words import NEGATIONS, WEAK_NEGATIONS, content_words

# The shares of the content words of a sentence that two neighbouring sentences of its source, or the whole source,
# must have.
MIN_WINDOW_COVERAGE, MIN_SOURCE_COVERAGE = 0.6, 0.8
# The share of the content words of each clause that two neighbouring sentences must have; of two words, one.
MIN_CLAUSE_COVERAGE, MIN_PAIR_COVERAGE = 0.6, 0.5
# Content words in a row that the source may lack.
MAX_RUN = 3
# Content words around a negation that it may deny.
NEGATION_REACH = 3
# The share of them that a denial of the source must have, to support that of a sentence.
MIN_DENIED_COVERAGE = 0.5
# Jaccard's similarity from which a sentence counts as a copy of one or two sentences of its source.
MIN_COPY_SIMILARITY = 0.75
# The share of the sentences of a draft that may be rejected.
MAX_REJECTED_SHARE = 1 / 3


class Rule(StrEnum):
    """A rule that a sentence breaks.

    CITATION: it cites no source. MARKUP: its source lacks a tag of HTML or a link that it has. ATOM: its source lacks a
    number with its unit, a name or a piece of code. COVERAGE, CLAUSE, RUN: its source lacks too many words of the
    sentence, of a clause, or in a row. ACTION: its source lacks an action, a time or a party. NEGATION: only one of
    both denies. POLARITY: the source has the opposite of a word.
    """

    CITATION = "CITATION"
    MARKUP = "MARKUP"
    ATOM = "ATOM"
    COVERAGE = "COVERAGE"
    CLAUSE = "CLAUSE"
    RUN = "RUN"
    ACTION = "ACTION"
    QUANTIFIER = "QUANTIFIER"
    EXCEPTION = "EXCEPTION"
    ORDER = "ORDER"
    NEGATION = "NEGATION"
    POLARITY = "POLARITY"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a sentence is not supported by its source; never with its text."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """The sentences of a draft by their places, from 0: those that are supported, and why the others are not.

    `is_sufficient` is whether at most a third is rejected and a sentence is left.
    """

    accepted: tuple[int, ...]
    rejected: tuple[tuple[int, Rejection], ...]
    is_sufficient: bool


def check_draft(sentences: Sequence[tuple[str, Sequence[str]]]) -> CheckedDraft:
    """Check sentences with the texts of the sources that each cites.

    A sentence is accepted if one of its sources supports it, or all together do.
    """
    verdicts = [_check_cited(text, sources) for text, sources in sentences]
    accepted = tuple(place for place, verdict in enumerate(verdicts) if verdict is None)
    rejected = tuple((place, verdict) for place, verdict in enumerate(verdicts) if verdict is not None)
    return CheckedDraft(accepted, rejected, bool(accepted) and len(rejected) <= MAX_REJECTED_SHARE * len(verdicts))


def check_sentence(sentence: str, source: str) -> Rejection | None:
    """Return why a source, Markdown or plain text with its headings, does not support a sentence; None if it does.

    Equal arguments have equal results. A sentence without a content word is not supported.
    """
    text = read_source(source)
    if not all(" ".join(piece.lower().split()) in text.text for piece in list_markup(sentence.replace("`", ""))):
        return Rejection(Rule.MARKUP)
    if not has_atoms(sentence, text) or not keeps_amounts(sentence, source[:MAX_CHARACTERS]):
        return Rejection(Rule.ATOM)
    statement = read(sentence)
    best = _best_coverage(statement, text)
    if best < MIN_WINDOW_COVERAGE and _coverage(statement.roots, text.roots) < MIN_SOURCE_COVERAGE:
        return Rejection(Rule.COVERAGE)
    clauses = list(split_clauses(sentence))
    if any(_best_coverage(each, text) < _min_coverage(each) for each in clauses):
        return Rejection(Rule.CLAUSE)
    if _longest_run(statement, text) > MAX_RUN:
        return Rejection(Rule.RUN)
    if any(word in CRITICAL and word not in text.roots for word in statement.roots):
        return Rejection(Rule.ACTION)
    broken = _compare_words(statement, clauses, text)
    if broken is None:
        forms = (_compare_forms(each, statement, text) for each in split_sentences(sentence))
        broken = next((rule for rule in forms if rule is not None), None)
    return Rejection(broken) if broken is not None else None


def _check_cited(text: str, sources: Sequence[str]) -> Rejection | None:
    if not sources:
        return Rejection(Rule.CITATION)
    texts = list(sources) if len(sources) == 1 else [*sources, "\n\n".join(sources)]
    verdicts = [check_sentence(text, source) for source in texts]
    return None if None in verdicts else verdicts[-1]


def _coverage(roots: frozenset[str], found: frozenset[str]) -> float:
    return len(roots & found) / len(roots) if roots else 0.0


def _best_coverage(statement: Statement, source: Source) -> float:
    return max((_coverage(statement.roots, window) for window in source.windows), default=0.0)


def _min_coverage(clause: Statement) -> float:
    return MIN_CLAUSE_COVERAGE if len(clause.roots) > 2 else MIN_PAIR_COVERAGE


def _longest_run(statement: Statement, source: Source) -> int:
    longest = run = 0
    for word in content_words(statement.words):
        run = 0 if word_root(word) in source.roots else run + 1
        longest = max(longest, run)
    return longest


def _evidence(statement: Statement, clauses: Sequence[Statement], source: Source) -> list[Statement]:
    """Return what of the source is most like the statement, and the sentences that have most of each clause."""
    likest = max(source.passages, key=lambda each: _similarity(statement.roots, each.roots), default=None)
    found = [likest] if likest else []
    for clause in clauses:
        shares = [(_coverage(clause.roots, with_synonyms(each.roots)), each) for each in source.statements]
        best = max((share for share, _ in shares), default=0.0)
        found += [each for share, each in shares if share == best]
    return list({id(each): each for each in found}.values())


def _compare_forms(statement: Statement, draft: Statement, source: Source) -> Rule | None:
    """Return which form of a sentence of a draft differs from those of the sentences that have most of its words."""
    likest = _likest(statement, source)
    if not likest or any(each.words == statement.words for each in source.statements):
        return None
    tokens = read_tokens(statement.text)
    whole = [read_tokens(each.text) for each in likest]
    clauses = split_clauses(statement.text)
    parts = [*whole, *(read_tokens(each.text) for clause in clauses for each in _likest(clause, source))]
    copied = max(likest, key=lambda each: _similarity(statement.roots, each.roots))
    if not keeps_quantities(tokens, parts):
        return Rule.QUANTIFIER
    if not keeps_relations(tokens, whole) or not all(keeps_places(tokens, each) for each in whole):
        return Rule.ORDER
    if not keeps_conditions(tokens, read_tokens(draft.text), read_tokens(copied.text)):
        return Rule.EXCEPTION
    if all(not (keeps_suppositions(tokens, each) and keeps_possibility(tokens, each)) for each in whole):
        return Rule.EXCEPTION
    denies_same = (
        keeps_negations(tokens, parts)
        and keeps_modals(tokens, whole)
        and keeps_prohibitions(statement.text, [each.text for each in source.statements])
    )
    return None if denies_same else Rule.NEGATION


def _likest(statement: Statement, source: Source) -> list[Statement]:
    """Return the sentences of the source that have most of the content words, all that have as many."""
    shares = [(_coverage(statement.roots, with_synonyms(each.roots)), each) for each in source.statements]
    best = max((share for share, _ in shares), default=0.0)
    return [each for share, each in shares if share == best > 0]


def _similarity(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one else 0.0


def _is_copy(statement: Statement, evidence: Statement) -> bool:
    return _similarity(statement.roots, evidence.roots) >= MIN_COPY_SIMILARITY


def _compare_words(statement: Statement, clauses: Sequence[Statement], source: Source) -> Rule | None:
    """Return whether negations or opposites differ from those of the sentences that are most like the statement."""
    evidence = _evidence(statement, clauses, source)
    copied = next((each for each in evidence if _is_copy(statement, each)), None)
    if copied is not None:
        return _compare_copy(statement, copied)
    if _is_denied_alone(statement, clauses, evidence) or _is_denied_by_source(statement, evidence):
        return Rule.NEGATION
    return Rule.POLARITY if _contradicts(statement, evidence) else None


def _compare_copy(statement: Statement, evidence: Statement) -> Rule | None:
    """Return what a near copy changed: it has as many negations, and no word for its opposite."""
    more = _count(statement, NEGATIONS).total() - _count(evidence, NEGATIONS).total()
    # What only one of both has may be the other's negation in other words.
    weak, other_weak = _count(statement, WEAK_NEGATIONS), _count(evidence, WEAK_NEGATIONS)
    if more > (other_weak - weak).total() or -more > (weak - other_weak).total():
        return Rule.NEGATION
    if not keeps_exceptions(statement.words, evidence.words):
        return Rule.EXCEPTION
    said, found = (Counter(map(word_root, each.words)) for each in (statement, evidence))
    return Rule.POLARITY if _has_opposites(said - found, found - said) else None


def _count(statement: Statement, words: Container[str]) -> Counter[str]:
    return Counter(word for word in statement.words if word in words)


def _has_opposites(some: Iterable[str], others: Collection[str]) -> bool:
    return any(are_opposite(one, other) for one in some for other in others)


def _denied(statement: Statement, negations: frozenset[str]) -> list[frozenset[str]]:
    """Return the roots of the content words around each negation."""
    scopes = []
    for place, word in enumerate(statement.words):
        if word in negations:
            before, after = content_words(statement.words[:place]), content_words(statement.words[place + 1 :])
            scopes.append(frozenset(map(word_root, (*before[-NEGATION_REACH:], *after[:NEGATION_REACH]))))
    return [scope for scope in scopes if scope]


def _is_denied_alone(statement: Statement, clauses: Sequence[Statement], evidence: Sequence[Statement]) -> bool:
    """Whether a clause denies something that no sentence of the source denies."""
    anything = NEGATIONS | WEAK_NEGATIONS.difference(statement.words)
    denied = [with_synonyms(scope) for each in evidence for scope in _denied(each, anything)]
    return any(
        max((_coverage(scope, other) for other in denied), default=0.0) < MIN_DENIED_COVERAGE
        for clause in clauses
        for scope in _denied(clause, NEGATIONS)
    )


def _is_denied_by_source(statement: Statement, evidence: Sequence[Statement]) -> bool:
    """Whether the source denies what the statement says without a negation."""
    if not (NEGATIONS | WEAK_NEGATIONS).isdisjoint(statement.words):
        return False
    roots = with_synonyms(statement.roots)
    for each in evidence:
        for place, word in enumerate(each.words):
            after = [word_root(other) for other in content_words(each.words[place + 1 :])[:NEGATION_REACH]]
            if word in NEGATIONS and after and all(other in roots for other in after):
                return True
    return False


def _contradicts(statement: Statement, evidence: Sequence[Statement]) -> bool:
    """Whether a word of the statement is nowhere in the evidence, but its opposite is."""
    said, found = set(map(word_root, statement.words)), {word_root(word) for each in evidence for word in each.words}
    return _has_opposites(said - with_synonyms(frozenset(found)), found - said)
