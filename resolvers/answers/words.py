"""Words of English texts: tokens, stems, roots, function words, negations and numbers."""

import re
from collections.abc import Iterable
from functools import lru_cache
from types import MappingProxyType

_WORD = re.compile(r"[^\W_]+(?:['’][a-z]{1,2}\b)?")
_VOWEL = re.compile(r"[aeiouy]")
_DOUBLED = re.compile(r"([bdfgmnprt])\1$")

_FUNCTION_WORDS = """
a about above across actually again against all along already also although am among an and any anyone anything are
around as at back basically be because been being below beside besides between both but by can case cases come comes
could did do does doing done due during each eg either else etc even ever every everything example for from further
get gets getting give given gives go goes going got had happen happens has have having he hence her here him his how
however i ie if in indeed instead into is it its itself just kind know let like likely made make makes making many
may maybe me might mind more most much must my near need needed needs of off often ok on once one ones only onto or
order other others otherwise our ours out over own particular per perhaps please possible possibly quite rather
really reason regarding respective s same see seen shall she should simply since so some something sometimes
somewhat sort still such sure t take takes taking than that the their them themselves then there therefore these
they thing things this those through thus to together too toward towards try trying under until upon us use used
useful uses using usual usually various very via want wants was way ways we well were what whatever when whenever
where whereas whether which while who whole whom whose why will wish with within would yet you your yourself
"""
_NEGATIONS = "not no never none nor neither nothing nobody nowhere cannot"
_WEAK_NEGATIONS = """
avoid avoids except fail failed failing fails failure hardly impossible instead lack lacks miss missing only
otherwise prevent prevents rather refuse refused unable unavailable unless unreachable unsupported without
"""
_NUMBER_WORDS = """
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty
"""
# Forms of irregular verbs and nouns, a line each; the first is their stem.
_IRREGULAR_FORMS = """
begin began begun
break broke broken
bring brought
build built
rebuild rebuilt
buy bought
choose chose chosen
find found
hold held
keep kept
lead led
leave left
lose lost
rise rose risen
run ran
say said
send sent
resend resent
show shown
speak spoke spoken
spend spent
stick stuck
tell told
think thought
throw threw thrown
write wrote written
rewrite rewrote rewritten
index indices indexes
child children
datum data
die dies dying
tie ties tying
"""

# Words that say little by themselves: articles, pronouns, prepositions, auxiliary and light verbs.
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split()) | {"atmost", "atleast"}
# Words that deny what stands near them.
NEGATIONS = frozenset(_NEGATIONS.split())
# Words that may stand for a negation in other words: 'is not reachable', 'is unreachable'.
WEAK_NEGATIONS = frozenset(_WEAK_NEGATIONS.split())
_CONTRACTION = re.compile(
    r"\b(ca|wo|sha|do|does|did|is|are|was|were|have|has|had|should|would|could|must|need)n['’]?t\b"
)
_NUMBER_FOLLOWS = rf"(?=\)? (?:\d|one|{'|'.join(_NUMBER_WORDS.split())}))"
_BOUNDS = (
    (re.compile(rf"\b(\d+|{'|'.join(_NUMBER_WORDS.split())}) (\w+) or (?:more|longer|above)\b"), r"atleast \1 \2"),
    (re.compile(rf"\b(\d+|{'|'.join(_NUMBER_WORDS.split())}) (\w+) or (?:less|fewer|below)\b"), r"atmost \1 \2"),
    (re.compile(r"\b(\w+) or more\b"), r"atleast \1"),
    (re.compile(r"\b(\w+) or (?:less|fewer)\b"), r"atmost \1"),
    (re.compile(rf"\b(?:no|not) (?:more|greater) than{_NUMBER_FOLLOWS}"), "atmost"),
    (re.compile(rf"\b(?:no|not) (?:less|fewer) than{_NUMBER_FOLLOWS}"), "atleast"),
    (re.compile(rf"\b(?:(?:at )?most|up to){_NUMBER_FOLLOWS}"), "atmost"),
    (re.compile(rf"\bat least\b|\bleast{_NUMBER_FOLLOWS}"), "atleast"),
)
_NUMBERS = MappingProxyType(
    {word: str(number) for number, word in enumerate(_NUMBER_WORDS.split(), start=2)}
    | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "hundred": "100", "thousand": "1000"}
    | {"zero": "0", "dozen": "12", "twice": "2", "double": "2"}
)
_IRREGULAR = MappingProxyType(
    {form: forms.split()[0] for forms in _IRREGULAR_FORMS.splitlines() for form in forms.split()}
)
MIN_ROOT_LENGTH = 4
_ADVERBS = (("abli", "abl"), ("li", ""))
# Suffixes that make other kinds of words of one root, and what takes their place; the first that fits is removed.
_SUFFIXES = (
    ("ization", "iz"), ("isation", "iz"), ("ational", ""), ("abiliti", "abl"), ("ibiliti", "ibl"), ("ations", ""),
    ("ation", ""), ("ition", ""), ("ators", ""), ("ator", ""), ("ative", ""), ("ment", ""), ("ness", ""),
    ("ance", ""), ("ence", ""), ("ions", ""), ("ion", ""), ("ise", "iz"), ("able", ""), ("ible", ""),
    ("at", ""), ("ur", ""), ("er", ""), ("al", ""), ("ful", ""), ("ive", ""), ("ant", ""), ("ent", ""),
)  # fmt: skip


def tokenize(text: str) -> list[str]:
    """Return the words of a text in lower case, 'not' for "n't", in order."""
    return [_without_possessive(word) for word in _WORD.findall(expand_contractions(text.lower()))]


def expand_contractions(lower: str) -> str:
    """Return a text in lower case with 'not' for "n't" and for the end of 'cannot'."""
    return _CONTRACTION.sub(r"\1 not", lower).replace("cannot", "can not")


def join_bounds(lower: str) -> str:
    """Return a text in lower case with 'atmost' or 'atleast' for phrases such as 'no more than' and 'two or more'."""
    for pattern, bound in _BOUNDS:
        lower = pattern.sub(bound, lower)
    return lower


@lru_cache(16_384)
def stem(word: str) -> str:
    """Return a word in lower case without the endings of plurals, times and participles."""
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3 or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) > 2 and _VOWEL.search(rest):
            word = _DOUBLED.sub(r"\1", rest)
            break
    word = word.removesuffix("e") if len(word) > 3 else word
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


@lru_cache(16_384)
def root(word: str) -> str:
    """Return the stem of a word without the suffixes of nouns, adjectives and adverbs, at least four letters."""
    found = stem(word)
    for suffixes in (_ADVERBS, _SUFFIXES):
        for suffix, replacement in suffixes:
            if found.endswith(suffix) and len(found) - len(suffix) >= MIN_ROOT_LENGTH:
                found = found.removesuffix(suffix) + replacement
                break
    return found


def number(word: str) -> str | None:
    """Return the digits of a number that is written as digits or as a word; None for another word and for 'one'."""
    return word if word.isdigit() else _NUMBERS.get(word)


def content_words(words: Iterable[str]) -> list[str]:
    """Return the words that are neither function words nor negations."""
    return [word for word in words if word not in FUNCTION_WORDS and word not in NEGATIONS]


def _without_possessive(word: str) -> str:
    return re.sub(r"['’][a-z]{1,2}$", "", word)
