"""The form of questions: what they ask for, their words, and whether two ask for the same."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from resolvers.answers.words import number, stem

# Words without which a question asks for the same. Modal verbs, quantifiers, negations, prepositions, possessives and
# question words stay.
_FILLERS = "a an the is are be been being please do does i you we"
_ABBREVIATIONS = MappingProxyType(
    {
        "db": "database",
        "repo": "repository",
        "config": "configuration",
        "k8s": "kubernetes",
        "cert": "certificate",
        "postgresql": "postgres",
        "prod": "production",
    }
)
_TO_BE = frozenset(("is", "are", "be", "being", "was", "were", "not"))
# Answers that differ from one day to the next.
_LIVE = re.compile(
    r"""\b(?:now|current(?:ly)?|to(?:day|night|morrow)|yesterday|still|ongoing|recent(?:ly)?|latest|status|ago|live|firing
    |on[ -]?call|at[ ]the[ ]moment|my|mine|me|resolved|unresolved|morning|so[ ]far|yet|since
    |(?:in|for|during)[ ]the[ ](?:last|past)
    |open[ ](?:incident|change|ticket|alert)s?|(?:incident|change|ticket|alert)s?[ ](?:is|are)[ ]open
    |(?:this|last|past|next|previous)[ ](?:\d+[ ])?
     (?:minute|hour|day|night|week|month|quarter|year|mon|tues|wednes|thurs|fri|satur|sun)\w*
    |(?:is|are|was|were)(?:[ ]\S+){1,4}[ ](?:up|down|primary|healthy|degraded|available|reachable|running|broken))\b""",
    re.VERBOSE,
)
_POLITE = r"(?:(?:please|can you|could you|would you|tell me|show me|show|give me|find)\s+)*"
_GUIDE = re.compile(
    rf"^{_POLITE}(?:(?:is there|do we have|where is|what is|what are)\s+)?(?:(?:a|an|the)\s+)?"
    r"(?:runbook|procedure|steps|instructions|guide)\s+(?:for|to|on|about)\s+"
)
_HOW = re.compile(rf"^{_POLITE}how (?:to|(?:do|can|should|would|could) (?:i|you|we|one))\s+")
# Signs that change what is asked for: a comparison, a negative number, 'c++', a redirection.
_SIGN = re.compile(r"[<>=+#~|&*^%$\\]|!=|(?<![\w.])-\d")
# Of capitals only, or one capital after a word: 'US', 'IT', 'zone A'. A question wholly in capitals has none.
_CAPITALS = re.compile(r"(?<!\w)(?:[A-Z]{2,}|(?<=[a-z] )[A-HJ-Z])(?!\w)")
_WORD = re.compile(r"\d+(?:[.:,]\d+)*%?(?![^\W_])|[^\W_]+(?:[-_.:/@][^\W_]+)*")


class Intent(StrEnum):
    """What a question asks for, by its first words. PLAIN only names a subject."""

    PLAIN = "PLAIN"
    COUNT = "COUNT"
    HOW = "HOW"
    WHY = "WHY"
    WHO = "WHO"
    WHERE = "WHERE"
    WHEN = "WHEN"
    WHAT = "WHAT"
    WHETHER = "WHETHER"


_INTENTS = MappingProxyType(
    {
        Intent.COUNT: re.compile(r"how (?:many|much|long|often|large|big|old|far|fast)\b"),
        Intent.HOW: re.compile(r"how\b"),
        Intent.WHY: re.compile(r"why\b|what is the reason|what makes"),
        Intent.WHO: re.compile(r"who\b|whom\b|whose\b|which (?:team|person|user)\b"),
        Intent.WHERE: re.compile(r"where\b"),
        Intent.WHEN: re.compile(r"when\b"),
        Intent.WHAT: re.compile(r"what\b|which\b|define\b|explain\b"),
        Intent.WHETHER: re.compile(r"(?:is|are|was|were|do|does|did|can|could|should|may|must|will|would|has|have)\b"),
    }
)
FILLERS = frozenset(_FILLERS.split())
_ARTICLES = frozenset(("a", "an"))


@dataclass(frozen=True, slots=True)
class Question:
    """The intent of a question and its words in order: stems of common words; names and numbers as they are written."""

    intent: Intent
    words: tuple[str, ...]

    @property
    def canonical(self) -> str:
        """A text that equal questions have in common."""
        return " ".join((self.intent, *self.words))


def read_question(text: str, names: Collection[str] = ()) -> Question:
    """Return the form of a question. `names` are names of the catalogue, which are never changed."""
    plain = re.sub(r"n't\b|\bcannot\b", " not", " ".join(text.lower().replace("’", "'").split())).strip(" ?!.")
    plain = plain.replace("'s", "")
    intent = next((each for each, pattern in _INTENTS.items() if pattern.match(plain)), Intent.PLAIN)
    if match := _GUIDE.match(plain) or _HOW.match(plain):
        plain, intent = plain[match.end() :], Intent.HOW
    capitals = () if text.isupper() else _CAPITALS.findall(text)
    fixed = frozenset(part for name in (*names, *capitals) for part in _WORD.findall(name.lower()))
    return Question(intent, tuple(_canonical_words(_invert_genitives(_WORD.findall(plain)), fixed)))


def has_signs(text: str) -> bool:
    """Whether a question has a sign that its words lose, so that it is equal to no other."""
    return _SIGN.search(text) is not None


def is_live(text: str) -> bool:
    """Whether the answer to a question depends on the time at which it is asked."""
    return _LIVE.search(" ".join(text.lower().split())) is not None


def have_same_structure(one: Question, other: Question) -> bool:
    """Whether two questions ask for the same: the same words in the same order, and intents that match."""
    intents = {one.intent, other.intent}
    if len(intents) > 1 and intents not in ({Intent.PLAIN, Intent.HOW}, {Intent.PLAIN, Intent.WHAT}):
        return False
    return bool(one.words) and one.words == other.words


def _canonical_words(tokens: Sequence[str], fixed: Collection[str]) -> list[str]:
    words: list[str] = []
    for place, word in enumerate(tokens):
        after_verb = place > 0 and tokens[place - 1] in _TO_BE
        if word in fixed or not word.isalpha():
            words.append(word)
        elif word not in FILLERS or (word in _ARTICLES and place == len(tokens) - 1):
            # 'Zone a' ends with a name.
            words.append(_canonical_word(word, is_verb=not words or after_verb))
    return words


def _canonical_word(word: str, *, is_verb: bool) -> str:
    # 'Deleted projects' are not 'delete projects', and 'running jobs' are not 'run jobs'.
    if word.endswith("ed") or (word.endswith("ing") and not is_verb):
        return word
    return number(word) or stem(_ABBREVIATIONS.get(word, word))


def _invert_genitives(tokens: Sequence[str]) -> list[str]:
    """Return the tokens with 'the tls certificate of the shop' as 'the shop tls certificate'."""
    found = list(tokens)
    while "of" in found[1:-1]:
        place = found.index("of", 1)
        begin = next((n + 1 for n in range(place - 1, -1, -1) if found[n] in FILLERS), 0)
        rest = next((n for n in range(place + 1, len(found)) if found[n] not in FILLERS), len(found))
        end = next((n for n in range(rest, len(found)) if found[n] in FILLERS), len(found))
        owner, thing = found[rest:end], found[begin:place]
        found[begin:end] = [*owner, *thing] if owner and thing else [*thing, *owner]
    return [word for word in found if word != "of"]
