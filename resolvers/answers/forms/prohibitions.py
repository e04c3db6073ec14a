"""Prohibitions: names and pieces of code that a source only mentions to forbid them."""

import re
from collections.abc import Iterable, Iterator

from resolvers.answers.words import expand_contractions

# 'Never run `a`', 'do not use the old `a` or `b`', 'but not `a`'; the object ends where a condition begins.
_NAME = r"`[^`\n]+`|(?=[\w.-]*[\d_/])[\w./-]*\w|--[a-z][\w-]+"
_ENDS = "before until unless if when after while without need have instead in on at from for with to and but"
_FORBIDDEN = re.compile(
    rf"(?:\b(?:do|must|should|may|can|shall) not|\bnever|\bavoid)(?: (?!(?:{_ENDS.replace(' ', '|')})\b)[a-z]+){{0,4}} "
    rf"(?P<object>{_NAME})|\bnot (?P<other>{_NAME})"
)
_NEXT = re.compile(rf",? (?:or|nor) (?P<object>{_NAME})")
_DENIAL = re.compile(
    r"\b(?:not|never|no|avoid|avoids|avoiding|unless|without|except|instead|rather|dangerous|forbidden)\b"
)
_CLAUSE = re.compile(r"[,;:.!?](?=\s|$)|\b(?:but|however)\b")


def keeps_prohibitions(text: str, sentences: Iterable[str]) -> bool:
    """Whether a text denies, in the clause that has it, each name or piece of code that all sentences forbid."""
    lower = [_normalize(each) for each in sentences]
    forbidden = {name for each in lower for name in _list_forbidden(each)}
    own = _normalize(text)
    # A copy states nothing that its source does not, even of a source that states and forbids the same name.
    return own in lower or not any(
        _has(name, own)
        and all(name in set(_list_forbidden(each)) for each in lower if _has(name, each))
        and _is_stated(name, own)
        for name in forbidden
    )


def _list_forbidden(sentence: str) -> Iterator[str]:
    for match in _FORBIDDEN.finditer(sentence):
        found: re.Match[str] | None = match
        name = match["object"] or match["other"]
        while found is not None:
            yield name.strip("`")
            found = _NEXT.match(sentence, found.end())
            name = found["object"] if found is not None else ""


def _is_stated(name: str, sentence: str) -> bool:
    bare = sentence.replace("`", "")
    start = bare.find(name)
    hidden = bare.replace(name, "\0" * len(name))
    cuts = [0, *(match.end() for match in _CLAUSE.finditer(hidden)), len(bare)]
    before = max((cut for cut in cuts if cut <= start), default=0)
    after = min((cut for cut in cuts if cut > start), default=len(bare))
    return _DENIAL.search(hidden[before:after]) is None


def _has(name: str, sentence: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", sentence.replace("`", "")) is not None


def _normalize(text: str) -> str:
    return " ".join(expand_contractions(text.lower()).split())
