"""Plain text of what a language model wrote: without the marks of Markdown and without HTML."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from resolvers.answers.sentences import split_sentences

# Marks at the start of a line: of a heading, a quotation, a list.
_LINE_MARKS = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+|\d{1,3}[.)][ \t]+|\|[ \t]*)*|(?:[ \t]#+|[ \t]?\|)[ \t]*$", re.MULTILINE
)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_TAG = re.compile(r"<([a-z][a-z0-9-]*)(?: [a-z][\w-]*)*>", re.IGNORECASE)
# https://html.spec.whatwg.org/multipage/indices.html#elements-3, and the obsolete ones that browsers still know.
_HTML = """
a abbr acronym address applet area article aside audio b base bdi bdo big blink blockquote body br button canvas
caption center cite code col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption
figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label
legend li link main map mark marquee math menu meta meter nav noframes noscript object ol optgroup option output p
param picture portal pre progress q rp rt ruby s samp script search section select slot small source span strike
strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var
video wbr
"""
_ELEMENTS = frozenset(_HTML.split())


@dataclass(frozen=True, slots=True)
class PlainSentence:
    """A sentence as it is shown, and as it is checked: with backticks around code, which must be in its source."""

    text: str
    checked: str


def to_plain_text(sentence: str, sources: Sequence[str]) -> PlainSentence:
    """Return a sentence of a model without emphasis, headings, images, targets of links and tags of HTML.

    What looks like a mark remains if a cited source, in Markdown, has it in its plain text, as `__init__`; so do names
    in angle brackets that are no element of HTML, as `<host>`. Code loses its backticks, as in copied sentences.
    """

    @cache
    def plain_sources() -> str:
        return "\n".join(each.text for source in sources for each in split_sentences(source, 1))

    text = _LINE_MARKS.sub("", _FENCE.sub("", sentence))
    tokens = [child for token in _parser().parseInline(text) for child in token.children or ()]
    shown, checked = (_render(tokens, plain_sources, quote) for quote in ("", "`"))
    return PlainSentence(shown, checked)


class _Parser(MarkdownIt):
    """A parser that knows every link as one: the target of 'javascript:' is left out as well."""

    def validateLink(self, url: str) -> bool:
        return True


@cache
def _parser() -> MarkdownIt:
    return _Parser("commonmark")


def _render(tokens: Sequence[Token], plain_sources: Callable[[], str], quote: str) -> str:
    # The parts outside of emphasis, then those in each emphasis that is open.
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token.type in {"em_open", "strong_open"}:
            parts.append([])
        elif token.type in {"em_close", "strong_close"}:
            inner = "".join(parts.pop())
            literal = f"{token.markup}{inner}{token.markup}"
            parts[-1].append(literal if literal in plain_sources() else inner)
        elif token.type == "code_inline":
            parts[-1].append(f"{quote}{token.content}{quote}" if "`" not in token.content else token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            parts[-1].append("\n")
        elif token.type == "text" or (token.type == "html_inline" and _is_name(token, plain_sources)):
            parts[-1].append(token.content)
    return re.sub(r" {2,}", " ", "".join(parts[0])).strip()


def _is_name(token: Token, plain_sources: Callable[[], str]) -> bool:
    """Whether a tag is the name of a value, as in 'ssh <host>'."""
    tag = _TAG.fullmatch(token.content)
    return tag is not None and (tag[1].lower() not in _ELEMENTS or token.content in plain_sources())
