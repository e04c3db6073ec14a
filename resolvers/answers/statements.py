"""Statements of texts: sentences and clauses with their words, and the names and numbers that are copied or wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from resolvers.answers.vocabulary import SYNONYMS
from resolvers.answers.words import content_words, join_bounds, number, root, tokenize

# Characters of a source that are read: a chunk of one endless line has no limit.
MAX_CHARACTERS = 8_000
# URLs, numbers, tickets, names with '_', digits, inner capitals, paths, options and hosts: they are copied or wrong.
_ATOM = re.compile(
    r"`[^`\n]+`|\bhttps?://[^\s<>()\[\]`\"']+|(?<![\w-])--?[a-z][\w-]+|\b\w*_\w+|(?<!\w)/[\w.-]+(?:/[\w.-]+)+|\d+(?:[.:,]\d+)*%?(?![\w-])"
    r"|(?<![\w-])[\w-]*\d[\w-]*|\b[A-Za-z]+[a-z][A-Z]\w*|\b\w[\w-]*(?:\.[\w-]+)+"
)
_URL = re.compile(r"\bhttps?://[^\s()\[\]`\"']+")
_NAME = re.compile(r"(?<=[a-z,)] )[A-Z][a-z]{2,}\b")
_CLAUSE = re.compile(
    r"[,;:()]\s|\s[-–—]\s|\s(?=(?:and|but|or|so|because|since|which|while|when|if|unless|until|before|after|then|where"
    r"|whereas|as|for|to|within|by)\s)"
)
_MARKS = re.compile(r"!?\[([^\]\n]{0,200})\]\([^)\n]{0,400}\)|\*\*|__(?=\S)|<[^>\n]{1,80}>")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)])\s)|\n(?=\s*[|#$])")
_HEADING = re.compile(r"^(#{1,6} .*)$", re.MULTILINE)
_END = re.compile(r"(?<=[.!?:])[\"')\]]*\s+(?=[^\sa-z])")
_FENCE = re.compile(r"^\s*(?:```|~~~)[\w-]*\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence or a clause: its text, its words in order, and the roots of its content words."""

    text: str
    words: tuple[str, ...]
    roots: frozenset[str]


@dataclass(frozen=True, slots=True)
class Source:
    """A text in lower case, its sentences, and the roots that they have by windows of two; headings are in each."""

    text: str
    statements: tuple[Statement, ...]
    # Each sentence, and each with the next one.
    passages: tuple[Statement, ...]
    windows: tuple[frozenset[str], ...]
    roots: frozenset[str]


@lru_cache(32)
def read_source(source: str) -> Source:
    """Return the statements of a text, Markdown or plain, of which MAX_CHARACTERS are read."""
    source = source[:MAX_CHARACTERS]
    plain = _ESCAPE.sub(r"\1", _MARKS.sub(lambda match: match[1] or "", _FENCE.sub("\n", source)))
    blocks = [" ".join(block.split()) for block in _BLOCK.split(_HEADING.sub(r"\n\n\1\n\n", plain))]
    headings = frozenset[str]().union(*(read(block).roots for block in blocks if block.startswith("#")))
    sentences = [part for block in blocks if not block.startswith("#") for part in _END.split(block)]
    statements = tuple(statement for each in sentences if (statement := read(each)).words)
    pairs = [
        Statement(f"{one.text} {other.text}", one.words + other.words, one.roots | other.roots)
        for one, other in pairwise((*statements, Statement("", (), frozenset())))
    ]
    windows = tuple(with_synonyms(each.roots | headings) for each in pairs)
    roots = with_synonyms(frozenset[str]().union(headings, *(each.roots for each in statements)))
    # With marks and without: a link has its address in one, and its words in the other.
    text = " ".join(f"{source} {plain}".replace("`", "").lower().split())
    return Source(text, statements, (*statements, *pairs), windows, roots)


def read(text: str) -> Statement:
    """Return a text as one statement. URLs are no words: `has_atoms` compares them as a whole."""
    words = tuple(tokenize(join_bounds(_URL.sub(" ", text.lower()))))
    return Statement(text, words, frozenset(word_root(word) for word in content_words(words)))


def word_root(word: str) -> str:
    """Return the digits of a number that is written as a word, and the root of another word."""
    return number(word) or root(word)


def with_synonyms(roots: frozenset[str]) -> frozenset[str]:
    """Return roots and those of words that stand for them."""
    return roots.union(*(SYNONYMS.get(each, ()) for each in roots))


def has_atoms(sentence: str, source: Source) -> bool:
    """Whether a source has all numbers, names and pieces of code of a sentence."""
    atoms = {match[0].strip("`").rstrip(".,:;!?").lower() for match in _ATOM.finditer(sentence)}
    names = content_words(match[0].lower() for match in _NAME.finditer(sentence))
    return all(_occurs(" ".join(atom.split()), source.text) for atom in atoms if atom) and all(
        root(name) in source.roots for name in names
    )


def split_sentences(text: str) -> Iterator[Statement]:
    """Yield the sentences of a text without blocks, as statements."""
    yield from map(read, _END.split(text))


def split_clauses(sentence: str) -> Iterator[Statement]:
    """Yield the clauses; a part of one content word belongs to the part before it."""
    part = ""
    for piece in _CLAUSE.split(sentence):
        joined = f"{part} {piece}" if part else piece
        if part and len(read(piece).roots) > 1 and len(read(part).roots) > 1:
            yield read(part)
            joined = piece
        part = joined
    if part:
        yield read(part)


def _occurs(atom: str, text: str) -> bool:
    before = r"(?<![\w.])" if atom[0].isdigit() else r"(?<!\w)" if atom[0].isalpha() else ""
    # The beginning of a URL is another URL.
    after = r"(?![\w/?#&=%-])" if atom.startswith(("http://", "https://")) else r"(?!\w)"
    return re.search(rf"{before}{re.escape(atom)}{after}", text) is not None
