"""Relations: which words stand on which side of 'before', 'from', 'than', 'by' ..., in two sentences alike or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resolvers.answers.forms.tokens import BREAK, MARKERS, STOP, Token, clause_start, content_before, next_mark, roots
from resolvers.answers.words import NEGATIONS, root

SEQUENCE, AGENT = "sequence", "agent"
# Sentences of a source whose relations are compared.
MAX_SENTENCES = 4
# Words after which comes what happens later, or under the condition of what is before; and the others.
_FORWARD = frozenset({"before", "until", "then"})
_BACKWARD = frozenset({"after", "once", "when", "if", "onlyif", "unless", "while"})
_NOUN_RELATIONS = frozenset({"from", "to", "into", "onto", "by", "over", "insteadof", "than"})
_SAME = {"into": "to", "onto": "to"}
_BE = frozenset({"is", "are", "was", "were", "be", "been", "being", "get", "gets", "got"})
# Where a noun phrase ends.
_ENDS = MARKERS | {BREAK, STOP, "and"}
_OCCURRENCE = frozenset(map(root, ("alert", "fires", "triggers", "occurs", "happens", "indicates", "rule")))


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation, and the roots on both sides. Of a sequence, the left one is what comes first."""

    kind: str
    left: frozenset[str]
    right: frozenset[str]
    # The last word before 'by', of an AGENT.
    verb: Token | None = None

    def is_exchanged(self, other: "Relation") -> bool:
        """Whether a word of each side is on the opposite one in the other relation."""
        return _moved(self.left, other.left, other.right) and _moved(self.right, other.right, other.left)

    def is_like(self, other: "Relation") -> bool:
        """Whether each side has a word of the same side of the other."""
        return not self.left.isdisjoint(other.left) and not self.right.isdisjoint(other.right)


def list_relations(tokens: Sequence[Token]) -> Iterator[Relation]:
    """Yield the relations of a sentence in order. A sequence that comes first ends with its comma."""
    for place, token in enumerate(tokens):
        if token.word in _FORWARD or token.word in _BACKWARD:
            yield from _sequence(tokens, place)
        elif token.word in _NOUN_RELATIONS:
            kind = _SAME.get(token.word, token.word)
            before = tokens[clause_start(tokens, place) : place]
            right = roots(tokens[place + 1 : next_mark(tokens, place + 1, _ENDS)])
            if kind == "by" and any(each.word in _BE for each in before):
                verb = next(content_before(tokens, place, 1), None)
                yield Relation(AGENT, roots(before), right, verb)
            else:
                yield Relation(kind, roots(before), right)


def keeps_relations(sentence: Sequence[Token], evidence: Sequence[Sequence[Token]]) -> bool:
    """Whether no relation of a sentence has its sides exchanged in the evidence, unless it is also there as it is."""
    found = [relation for tokens in evidence[:MAX_SENTENCES] for relation in list_relations(tokens)]
    own = list(list_relations(sentence))
    for relation in own:
        same = [each for each in found if each.kind == relation.kind]
        if any(relation.is_like(each) and not relation.is_exchanged(each) for each in same):
            continue
        if any(map(relation.is_exchanged, same)) or _is_mixed(relation, same):
            return False
    agents = [each for each in found if each.kind == AGENT]
    return not (
        any(_is_reversed(each, sentence) for each in agents)
        or (not agents and any(_is_reversed(each, tokens) for each in own if each.kind == AGENT for tokens in evidence))
    )


def _is_mixed(relation: Relation, others: Sequence[Relation]) -> bool:
    """Whether both sides are those of two relations of the evidence."""
    has_right = any(
        not relation.right.isdisjoint(each.right) and relation.left.isdisjoint(each.left | each.right)
        for each in others
    )
    return has_right and any(
        not relation.left.isdisjoint(each.left | each.right) and relation.right.isdisjoint(each.left | each.right)
        for each in others
    )


def _is_reversed(passive: Relation, tokens: Sequence[Token]) -> bool:
    """Whether a sentence in the active voice has the subject of a passive one before the verb, and its agent after.

    The same form of the verb is no active voice: 'set', or 'created' where 'was' is left out.
    """
    verb = passive.verb
    for place, token in enumerate(tokens):
        if verb is not None and token.root == verb.root and token.word != verb.word:
            before, after = (
                roots(tokens[clause_start(tokens, place) : place]),
                roots(tokens[place + 1 : next_mark(tokens, place)]),
            )
            if before.isdisjoint(passive.right) and not before.isdisjoint(passive.left - {verb.root}):
                return _moved(passive.right, before, after)
    return False


def _moved(side: frozenset[str], same: frozenset[str], opposite: frozenset[str]) -> bool:
    return any(word in opposite and word not in same for word in side)


def _sequence(tokens: Sequence[Token], place: int) -> Iterator[Relation]:
    word = tokens[place].word
    start = clause_start(tokens, place)
    before = tokens[start:place]
    end = next_mark(tokens, place + 1)
    after = tokens[place + 1 : end]
    if not roots(before) and word != "then":
        # 'After X, Y': what it belongs to comes after the comma.
        before = tokens[end + 1 : next_mark(tokens, end + 1)]
    elif word == "then":
        before = tokens[:place]
    # 'Not X before Y' says that Y comes first, and 'not X after Y' that it does not.
    is_denied = word in {"before", "until", "after", "once"} and any(
        each.word in NEGATIONS or each.word == "wait" for each in before
    )
    left, right = roots(before), roots(after)
    if word in {"when", "if"} and (left <= _OCCURRENCE or right <= _OCCURRENCE):
        # 'The alert fires when X' is 'X when the alert fires'.
        return
    if (word in _FORWARD) is not is_denied:
        yield Relation(SEQUENCE, left, right)
    else:
        yield Relation(SEQUENCE, right, left)
