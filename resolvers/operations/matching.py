"""Choose the operation whose example questions are most like a question with the same kinds of entities."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice, product
from typing import Any

from resolvers.operations.catalog import KINDS, Operation, VariableKind
from resolvers.operations.coverage import list_ignored
from resolvers.operations.cues import Direction, is_about_dependencies, is_direction_word, read_direction
from resolvers.operations.entities import Candidate, Entities, Mention
from resolvers.operations.words import stem, stems

Embed = Callable[[str], Sequence[float] | None]

# The share of the score that similar words have; equal stems have the rest. Chosen with the limits by bench.operations.
EMBEDDING_WEIGHT = 0.6
MIN_SCORE = 0.5
MIN_MARGIN = 0.05
# Below this, or this far below the best, an operation is not offered.
MIN_CHOICE = 0.35
MAX_GAP = 0.3
# The same, without a model of embeddings.
MIN_STEM_SCORE = 0.45
MIN_STEM_CHOICE = 0.3
MAX_CHOICES = 3
# Added for the direction that a question names; the penalty is taken instead if it has a word of other examples, as in
# 'incidents of what depends on redis', and from operations about one item that have no direction.
DIRECTION_BONUS = 0.2
DIRECTION_PENALTY = 0.3
# Added for operations about the one incident or change whose number is in the question.
NUMBER_BONUS = 0.12
# Taken for each word that only examples of other operations have.
OTHER_WORD_PENALTY = 0.06

# What stands for an entity while meanings are compared.
_MASKS: Mapping[VariableKind, str] = {
    VariableKind.ITEM: "web server",
    VariableKind.TEAM: "platform team",
    VariableKind.INCIDENT_NUMBER: "ticket",
    VariableKind.CHANGE_NUMBER: "change request",
    VariableKind.ANSWER: "answer",
    VariableKind.PRIORITIES: "priority",
    VariableKind.STATES: "open",
}
_PLACE = re.compile(r"\{(\w+)\}")


class MatchStatus(StrEnum):
    """Whether an operation answers a question."""

    CHOSEN = "CHOSEN"
    UNSURE = "UNSURE"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Choice:
    """An operation with its variables. `question` is how it reads in words, `score` is from 0 to 1.

    `ignored` has the words of the question that it takes no account of, in their order.
    """

    operation: Operation
    variables: Mapping[str, Any]
    question: str
    score: float
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationMatch:
    """The result: one choice if it is CHOSEN, at most three, best first, if UNSURE, none if NONE; and why."""

    status: MatchStatus
    choices: tuple[Choice, ...] = ()
    reason: str = ""


def vocabulary(catalog: Sequence[Operation]) -> frozenset[str]:
    """Return the stems of all words of example questions."""
    return _vocabulary(tuple(catalog))


@lru_cache(maxsize=8)
def _vocabulary(catalog: tuple[Operation, ...]) -> frozenset[str]:
    cues = stems(" ".join(word for operation in catalog for word in operation.words))
    return cues.union(stems(_MASKS[VariableKind.PRIORITIES]), *(_words_of(each) for each in catalog))


def _words_of(operation: Operation) -> frozenset[str]:
    return stems(_PLACE.sub(" ", " ".join([*operation.examples, *operation.needs])))


def rank_choices(entities: Entities, catalog: Sequence[Operation], embed: Embed | None) -> list[Choice]:
    """Return every operation that the entities can fill, for each meaning of unclear ones, best first."""
    examples = _index(tuple(catalog), embed)
    choices = []
    for operation in catalog:
        mentions = _select(operation, entities)
        if mentions is not None:
            score = examples.score(operation, _read(entities, mentions))
            ignored = list_ignored(operation, entities, mentions)
            choices += [
                Choice(operation, variables, question, score * share, ignored)
                for variables, question, share in _fill(operation, entities, mentions)
            ]
    return sorted(choices, key=lambda each: (-each.score, each.operation.name))


def decide(choices: Sequence[Choice], entities: Entities, restriction: str, *, has_model: bool) -> OperationMatch:
    """Return the best choice if it is good, better than all others, and nothing of the question is ignored.

    `restriction` says what no operation can do, as `read_restriction` does.
    """
    least, minimum = (MIN_CHOICE, MIN_SCORE) if has_model else (MIN_STEM_CHOICE, MIN_STEM_SCORE)
    least = max(least, choices[0].score - MAX_GAP if choices else 0.0)
    offered = tuple(choice for choice in choices[:MAX_CHOICES] if choice.score >= least)
    missing = restriction
    if entities.unresolved:
        missing = f"nothing that you may read has the name {' '.join(entities.unresolved)!r}"
    if not offered:
        return OperationMatch(MatchStatus.NONE, reason=missing or "no trusted operation answers this question")
    if missing:
        return OperationMatch(MatchStatus.UNSURE, offered, missing)
    if ignored := offered[0].ignored:
        return OperationMatch(MatchStatus.UNSURE, offered, explain_ignored(ignored))
    # Only one that ignores nothing can be meant instead.
    second = next((choice.score for choice in choices[1:] if not choice.ignored), 0.0)
    if second < least:
        minimum = least
    if offered[0].score < minimum:
        return OperationMatch(MatchStatus.UNSURE, offered, "no operation is near enough to the question")
    if offered[0].score - second < MIN_MARGIN:
        return OperationMatch(MatchStatus.UNSURE, offered, "several operations are equally near to the question")
    return OperationMatch(MatchStatus.CHOSEN, offered[:1])


def explain_ignored(ignored: Sequence[str]) -> str:
    """Return the reason why an operation that takes no account of some words is not chosen."""
    return f"the nearest operation would ignore {', '.join(map(repr, ignored))}"


@dataclass(frozen=True, slots=True)
class _Reading:
    """A question with masks for its entities, with marks such as `item0` for them, and the stems of its other words.

    `rest` has those that say nothing about dependencies.
    """

    masked: str
    marked: str
    terms: frozenset[str]
    rest: frozenset[str]


class _Examples:
    """The examples of a catalog with their stems and embeddings."""

    def __init__(self, catalog: Sequence[Operation], embed: Embed | None) -> None:
        self._embed = embed
        self._words = {each.name: _words_of(each) for each in catalog}
        self._all_words = frozenset().union(*self._words.values())
        self._examples = {
            each.name: [
                (stems(_PLACE.sub(" ", example)), embed(_mask_example(example)) if embed else None)
                for example in each.examples
            ]
            for each in catalog
        }
        counts = Counter(term for examples in self._examples.values() for terms, _ in examples for term in terms)
        total = sum(map(len, self._examples.values()))
        self._weights = {term: math.log(1 + total / count) for term, count in counts.items()}
        self._rare = math.log(1 + total)

    def score(self, operation: Operation, reading: _Reading) -> float:
        """Return the likeness of a question and the nearest example, less for words of other operations."""
        if operation.needs and not reading.terms & {stem(word) for word in operation.needs}:
            return 0.0
        vector = self._embed(reading.masked) if self._embed else None
        likeness = max(self._score(reading.terms, vector, *example) for example in self._examples[operation.name])
        others = (reading.terms & self._all_words) - self._words[operation.name]
        if not reading.rest and read_direction(reading.marked) == operation.name:
            # The direction says it all, in whatever words.
            return 1.0
        score = likeness - OTHER_WORD_PENALTY * len(others) + self._rate_direction(operation, reading)
        score += NUMBER_BONUS * (
            operation.count(VariableKind.INCIDENT_NUMBER) + operation.count(VariableKind.CHANGE_NUMBER)
        )
        return min(max(score, 0.0), 1.0)

    def _rate_direction(self, operation: Operation, reading: _Reading) -> float:
        direction = read_direction(reading.marked)
        if operation.name not in set(Direction):
            is_other = operation.count(VariableKind.ITEM) == 1 and is_about_dependencies(reading.marked)
            return -DIRECTION_PENALTY if is_other else 0.0
        if direction is None:
            return 0.0
        if operation.name != direction:
            return -1.0
        directional = frozenset().union(*(self._words.get(name, frozenset()) for name in Direction))
        return -DIRECTION_PENALTY if (reading.terms & self._all_words) - directional else DIRECTION_BONUS

    def _score(
        self,
        terms: frozenset[str],
        vector: Sequence[float] | None,
        others: frozenset[str],
        other: Sequence[float] | None,
    ) -> float:
        total = self._weigh(terms) + self._weigh(others)
        alike = 2 * self._weigh(terms & others) / total if total else 1.0
        if self._embed is None:
            return alike
        cosine = sum(a * b for a, b in zip(vector, other, strict=True)) if vector and other else 0.0
        return EMBEDDING_WEIGHT * max(cosine, 0.0) + (1 - EMBEDDING_WEIGHT) * alike

    def _weigh(self, terms: frozenset[str]) -> float:
        return sum(self._weights.get(term, self._rare) for term in terms)


@lru_cache(maxsize=8)
def _index(catalog: tuple[Operation, ...], embed: Embed | None) -> _Examples:
    return _Examples(catalog, embed)


def _mask_example(example: str) -> str:
    return _PLACE.sub(lambda match: _MASKS[KINDS[match[1]]], example)


def _select(operation: Operation, entities: Entities) -> list[Mention] | None:
    """Return the mentions for the required variables in order; None if one is missing or another would be ignored."""
    selected: list[Mention] = []
    for kind in VariableKind:
        needed = operation.count(kind)
        mentions = entities.of(kind)
        if len(mentions) != needed and (
            kind in {VariableKind.INCIDENT_NUMBER, VariableKind.CHANGE_NUMBER, VariableKind.ANSWER}
            or len(mentions) < needed
        ):
            return None
        selected += mentions[:needed]
    places = {place for mention in selected for place in range(mention.start, mention.end)}
    ignored = [each for each in entities.mentions if not each.weak and each.start not in places]
    if ignored or (entities.priorities and "priorities" not in operation.optional):
        return None
    return selected


def _read(entities: Entities, mentions: Sequence[Mention]) -> _Reading:
    masked: list[str] = []
    marked: list[str] = []
    others: list[str] = []
    counts: Counter[VariableKind] = Counter()
    place = 0
    for mention in [*sorted(mentions, key=lambda each: each.start), None]:
        between = [word.lower() for word in entities.words[place : mention.start if mention else None]]
        masked += between
        marked += between
        others += between
        if mention is not None:
            masked.append(_MASKS[mention.kind])
            marked.append(f"{mention.kind.lower()}{counts[mention.kind]}")
            counts[mention.kind] += 1
            place = mention.end
    terms = stems(" ".join(others)) - stems(_MASKS[VariableKind.PRIORITIES])
    rest = terms - stems(" ".join(word for word in others if is_direction_word(word)))
    return _Reading(" ".join(masked), " ".join(marked), terms, rest)


def _fill(
    operation: Operation, entities: Entities, mentions: Sequence[Mention]
) -> Iterator[tuple[dict[str, Any], str, float]]:
    """Yield the variables, how they read, and the share of the worst name relative to the best of its mention."""
    for candidates in islice(product(*(mention.candidates for mention in mentions)), MAX_CHOICES**2):
        yield _to_filling(operation, entities, mentions, candidates)


def _to_filling(
    operation: Operation, entities: Entities, mentions: Sequence[Mention], candidates: Sequence[Candidate]
) -> tuple[dict[str, Any], str, float]:
    by_kind: dict[VariableKind, list[Candidate]] = {}
    for mention, candidate in zip(mentions, candidates, strict=True):
        by_kind.setdefault(mention.kind, []).append(candidate)
    variables: dict[str, Any] = {}
    names = {"states": "open", "priorities": ""}
    for name in operation.required:
        candidate = by_kind[KINDS[name]].pop(0)
        variables[name], names[name] = candidate.value, candidate.name
    if entities.priorities and "priorities" in operation.optional:
        variables["priorities"] = list(entities.priorities)
        names["priorities"] = " and ".join(f"P{each}" for each in entities.priorities)
    if entities.states and "states" in operation.optional:
        variables["states"] = list(entities.states)
        names["states"] = " and ".join(each.lower().replace("_", " ") for each in entities.states)
    text = " ".join(_PLACE.sub(lambda match: names[match[1]], operation.reads_back).split())
    shares = [each.share / mention.candidates[0].share for mention, each in zip(mentions, candidates, strict=True)]
    return variables, text[:1].upper() + text[1:], min(shares, default=1.0)
