"""Words of questions: their stems, and those that carry no meaning of their own."""

import re

# Longer questions are none for an operation.
MAX_WORDS = 40

STOP_WORDS = frozenset(
    {
        "a", "an", "the", "this", "that", "these", "those", "it", "its", "is", "are", "was", "were", "be", "been",
        "being", "am", "do", "does", "did", "has", "have", "had", "will", "would", "can", "could", "may", "might",
        "must", "shall", "should", "what", "which", "who", "whom", "whose", "when", "where", "why", "how", "i", "me",
        "my", "we", "us", "our", "you", "your", "they", "them", "their", "he", "she", "of", "for", "on", "in", "at",
        "to", "by", "with", "from", "about", "into", "and", "or", "if", "as", "so", "than", "then", "there", "here",
        "any", "some", "all", "every", "each", "not", "no", "please", "tell", "show", "give", "list", "find", "get",
        "see", "look", "up", "display", "let", "now", "right", "moment", "currently", "today", "recently", "lately",
        "s", "t", "re", "ve", "ll", "d", "just", "also", "much", "many", "more", "most", "other", "else", "thing",
        "things", "something", "anything", "everything", "one", "ones", "between", "out", "over", "off", "go", "goes",
        "item", "items", "service", "services", "system", "systems", "component", "components",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\s,;!?()\[\]{}\"`<>]+")
_POSSESSIVE = re.compile(r"(?<=\w)['’]s\b|(?<=s)['’](?=\s|$)")
_SUFFIXES = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "ees", "es", "ed", "er", "s", "e", "y")
_MIN_STEM = 4


def split_words(text: str) -> list[str]:
    """Return the words in their order, with their case; signs inside them, as in `redis-cache-01`, stay."""
    words = (word.strip("'’.:-/=*&|\\") for word in _WORD.findall(_POSSESSIVE.sub(" ", text)))
    return [word for word in words if word]


def stem(word: str) -> str:
    """Return the lower-case word without a common English suffix, so that `depends` and `depending` are equal."""
    lower = word.lower()
    if not lower.isalpha():
        return lower
    for suffix in _SUFFIXES:
        if lower.endswith(suffix) and len(lower) - len(suffix) >= _MIN_STEM - (suffix in {"s", "e", "y"}):
            return lower.removesuffix(suffix)
    return lower


def stems(text: str) -> frozenset[str]:
    """Return the stems of a text without stop words."""
    return frozenset(stem(word) for word in split_words(text) if word.lower() not in STOP_WORDS)
