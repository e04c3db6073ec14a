"""Plain text of what a language model wrote: without the marks of Markdown and without HTML."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from resolvers.answers.markup import ELEMENTS
from resolvers.answers.sentences import split_sentences

# Marks at the start of a line: of a heading, a quotation, a list.
_LINE_MARKS = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+|\d{1,3}[.)][ \t]+|\|[ \t]*)*|(?:[ \t]#+|[ \t]?\|)[ \t]*$", re.MULTILINE
)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
# A name in angle brackets, and what is a tag for certain. '<b and c>' may be two comparisons.
_NAME = re.compile(r"<(?!(?:br|hr|img|wbr)>)([a-z][a-z0-9-]*)>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9-]*(?: ?/)?>|</[^>]*>|<[^>]*=[^>]*>|<[!?].*", re.IGNORECASE | re.DOTALL)
# Signs that a word may lose to the parser, what surrounds a word of a source, and words that are no Markdown:
# a backslash before what needs no escape, as in a pattern or a path, and an index before a call.
_SIGNS = re.compile(r"[\\<>\[\]*_&]")
_AROUND = ".,:;!?()\"'"
_LITERAL = re.compile(r"\\[^\s*_\[\]()<>`#~|!&\\]|\w\[[^\]\s]*\]\(")
_PRIVATE, _PRIVATE_USE = 0xE000, re.compile("[\ue000-\uf8ff]")
# Words of a sentence that stay as they are.
MAX_LITERALS = 1_000


@dataclass(frozen=True, slots=True)
class PlainSentence:
    """A sentence as it is shown, and as it is checked: with backticks around code, which must be in its source."""

    text: str
    checked: str


def to_plain_text(sentence: str, sources: Sequence[str]) -> PlainSentence:
    """Return a sentence of a model without emphasis, headings, images, targets of links and tags of HTML.

    A word that a cited source, in Markdown, has in its plain text remains as it is, as `__init__` and `\\*`; so do
    names in angle brackets, as `<host>`, but for elements of HTML that are closed. Code loses its backticks, as in
    copied sentences. What still is a tag or a link is for `check_sentence` to reject.
    """

    @cache
    def plain_sources() -> str:
        return "\n".join(each.text for source in sources for each in split_sentences(source, 1))

    def is_name(tag: str) -> bool:
        name = _NAME.fullmatch(tag)
        is_open = name is not None and not (name[1].lower() in ELEMENTS and f"</{name[1].lower()}" in sentence.lower())
        return is_open or tag in plain_sources() or any(tag in source for source in sources)

    text = _LINE_MARKS.sub("", _FENCE.sub("", sentence))
    text, literals = _keep_words(text, lambda: {each.strip(_AROUND) for each in plain_sources().split()})
    tokens = [child for token in _parser().parseInline(text) for child in token.children or ()]
    shown, checked = (
        _PRIVATE_USE.sub(lambda match: _restore(match[0], literals), _render(tokens, is_name, quote))
        for quote in ("", "`")
    )
    return PlainSentence(shown.strip(), checked.strip())


def _keep_words(text: str, list_words: Callable[[], Collection[str]]) -> tuple[str, list[str]]:
    """Return a text with a letter of the private use area for each word that is no Markdown, and these words."""
    literals: list[str] = []
    words = cache(lambda: frozenset(list_words()))

    def keep(match: re.Match[str]) -> str:
        word = match[0].strip(_AROUND)
        for each in (match[0], word):
            is_literal = _SIGNS.search(each) and "`" not in each and (_LITERAL.search(each) or each in words())
            if each and is_literal and len(literals) < MAX_LITERALS:
                literals.append(each)
                return match[0].replace(each, chr(_PRIVATE + len(literals) - 1), 1)
        return match[0]

    return re.sub(r"\S+", keep, _PRIVATE_USE.sub("", text)), literals


def _restore(letter: str, literals: Sequence[str]) -> str:
    """Return the word that a letter stands for; none for one that the parser made of '&#xE000;'."""
    place = ord(letter) - _PRIVATE
    return literals[place] if place < len(literals) else ""


class _Parser(MarkdownIt):
    """A parser that knows every link as one: the target of 'javascript:' is left out as well."""

    def validateLink(self, url: str) -> bool:
        return True


@cache
def _parser() -> MarkdownIt:
    return _Parser("commonmark")


def _render(tokens: Sequence[Token], is_name: Callable[[str], bool], quote: str) -> str:
    # The parts outside of emphasis, then those in each emphasis that is open.
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token.type in {"em_open", "strong_open"}:
            parts.append([])
        elif token.type in {"em_close", "strong_close"}:
            inner = "".join(parts.pop())
            parts[-1].append(inner)
        elif token.type == "code_inline":
            parts[-1].append(f"{quote}{token.content}{quote}" if "`" not in token.content else token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            parts[-1].append("\n")
        elif token.type == "text" or (token.type == "html_inline" and not _is_tag(token.content, is_name)):
            parts[-1].append(token.content)
    return re.sub(r" {2,}", " ", "".join(parts[0])).strip()


def _is_tag(text: str, is_name: Callable[[str], bool]) -> bool:
    return _TAG.fullmatch(text) is not None and not is_name(text)
