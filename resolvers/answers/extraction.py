"""Extraction: the sentences of passages that answer a question, chosen by the words that they share with it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resolvers.answers.passages import Passage, Sentence

MAX_SENTENCES = 6
# Characters of a passage that are read for sentences: a chunk of one endless line has no limit, and the parser of
# Markdown takes quadratic time for some.
MAX_CHARACTERS = 8_000
# The share of the weight of the question's terms that a passage must have, unless the question names its document. Of
# the questions of bench/retrieval, 86% of the answerable and 27% of the others have such a passage.
MIN_COVERAGE = 0.38
# How much of a score comes from the sentence, from the headings above it, and from the rank of its passage.
SENTENCE_WEIGHT, HEADING_WEIGHT, RANK_WEIGHT = 0.6, 0.2, 0.2
# Sentences below this share of the best score are left out.
MIN_SCORE_SHARE = 0.4
# Sentences that have this share of their terms in common say the same.
MAX_SIMILARITY = 0.8
# What similarity to a chosen sentence costs: maximal marginal relevance, Carbonell and Goldstein, SIGIR 1998.
SIMILARITY_COST = 0.3

Terms = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage, in the order of documents: that of their best passages, then by line."""

    passage: Passage
    sentence: Sentence


def coverage(question: frozenset[str], *parts: frozenset[str]) -> float:
    """Return the share of the terms of a question that the parts have together, 0 for a question without terms."""
    return len(question.intersection(frozenset().union(*parts))) / len(question) if question else 0.0


def list_candidates(passages: Sequence[Passage]) -> list[Candidate]:
    """Return the sentences of all passages, in the order of documents."""
    # The parser of Markdown adds 130 ms to a cold start, so it is imported only if it is used.
    from resolvers.answers.sentences import split_sentences

    documents = list(dict.fromkeys(passage.chunk.document_id for passage in passages))
    in_order = sorted(passages, key=lambda each: (documents.index(each.chunk.document_id), each.chunk.position))
    return [
        Candidate(passage, sentence)
        for passage in in_order
        for sentence in split_sentences(passage.chunk.body[:MAX_CHARACTERS], passage.chunk.first_line)
    ]


def choose_sentences(weights: Mapping[str, float], candidates: Sequence[Candidate], terms: Terms) -> list[Candidate]:
    """Return at most MAX_SENTENCES sentences of relevant passages, in the order of the candidates.

    `weights` has the weight of each term of the question, `terms` the terms of each sentence and heading by its text.
    No sentence repeats another. Empty if no passage has MIN_COVERAGE of the weight or is of a document that the
    question names.
    """
    question = frozenset(weights)
    relevant = _relevant_passages(weights, candidates, terms)
    scores: dict[int, float] = {}
    for index, candidate in enumerate(candidates):
        chunk = candidate.passage.chunk
        sentence, heading = terms[candidate.sentence.text], terms[chunk.heading]
        if chunk.id in relevant and sentence and (candidate.passage.name_match or question & (sentence | heading)):
            scores[index] = (
                SENTENCE_WEIGHT * coverage(question, sentence)
                + HEADING_WEIGHT * coverage(question, heading)
                + RANK_WEIGHT / candidate.passage.rank
            )
    least = MIN_SCORE_SHARE * max(scores.values(), default=0.0)
    remaining = {index for index, score in scores.items() if score >= least}
    chosen: list[int] = []
    similarity = dict.fromkeys(remaining, 0.0)
    while remaining and len(chosen) < MAX_SENTENCES:
        best = max(remaining, key=lambda index: (scores[index] - SIMILARITY_COST * similarity[index], -index))
        chosen.append(best)
        remaining.remove(best)
        for index in remaining:
            pair = (terms[candidates[each].sentence.text] for each in (best, index))
            similarity[index] = max(similarity[index], _similarity(*pair))
        remaining = {index for index in remaining if similarity[index] < MAX_SIMILARITY}
    return [candidates[index] for index in sorted(chosen)]


def _relevant_passages(weights: Mapping[str, float], candidates: Sequence[Candidate], terms: Terms) -> set[str]:
    """Return the ids of the chunks that have enough of the weight of the question."""
    least = MIN_COVERAGE * math.fsum(weights.values())
    found: dict[str, frozenset[str]] = {}
    for candidate in candidates:
        chunk = candidate.passage.chunk
        found[chunk.id] = found.get(chunk.id, terms[chunk.heading]) | terms[candidate.sentence.text]
    named = {candidate.passage.chunk.id for candidate in candidates if candidate.passage.name_match}
    shares = {id: math.fsum(weights[term] for term in weights.keys() & each) for id, each in found.items()}
    return {id for id, share in shares.items() if id in named or (share and share >= least)}


def _similarity(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
