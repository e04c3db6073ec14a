"""Sentences of Markdown: sentences of paragraphs, list items with their code, rows of tables, with their lines."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from resolvers.answers.passages import Sentence

# A sentence ends at one of .!? before a space and a capital, a digit or an opening sign.
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[^\sa-z])")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|approx|no|fig)\.$", re.IGNORECASE)


def split_sentences(body: str, first_line: int) -> list[Sentence]:
    """Return the sentences of a Markdown text whose first line has the given number, in order.

    A list item is one sentence, a row of a table another; headings and heads of tables are none. A block of code
    belongs to the sentence before it.
    """
    sentences: list[Sentence] = []
    for sentence, is_code in _parse(body, first_line):
        if is_code and sentences:
            before = sentences[-1]
            text = f"{before.text}\n{sentence.text}"
            sentences[-1] = replace(before, text=text, last_line=sentence.last_line)
        else:
            sentences.append(sentence)
    return sentences


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _parse(body: str, first_line: int) -> Iterator[tuple[Sentence, bool]]:
    """Yield sentences, and whether each is a block of code."""
    outside: list[str] = []
    cells: list[str] = []
    for token in _parser().parse(body):
        if token.nesting == 1:
            outside.append(token.type)
            if token.type == "tr_open":
                cells = []
        elif token.nesting == -1:
            outside.pop()
        line = first_line + (token.map[0] if token.map else 0)
        if token.type in {"fence", "code_block"} and token.content.strip():
            last = first_line + (token.map[1] if token.map else 1) - 1
            yield Sentence(token.content.rstrip(), line, last), True
        elif token.type == "inline" and outside[-1] in {"td_open", "th_open"}:
            cells.append(_plain(token)[0])
            row = line
        elif token.type == "tr_close" and "thead_open" not in outside:
            yield Sentence(" | ".join(cells), row, row), False
        elif token.type == "inline" and outside[-1] == "paragraph_open":
            for sentence in _split(token, line, whole="list_item_open" in outside):
                yield sentence, False


def _split(token: Token, line: int, *, whole: bool) -> Iterator[Sentence]:
    text, breaks, code = _plain(token)
    ends = [0]
    for match in () if whole else _END.finditer(text):
        end = match.end()
        in_code = any(start < end <= stop for start, stop in code)
        if not in_code and not _ABBREVIATION.search(text, max(0, match.start() - 10), match.start()):
            ends.append(end)
    for start, end in zip(ends, [*ends[1:], len(text)], strict=True):
        part = text[start:end].rstrip()
        if part:
            last = start + len(part) - 1
            yield Sentence(part, line + bisect_right(breaks, start), line + bisect_right(breaks, last))


def _plain(token: Token) -> tuple[str, list[int], list[tuple[int, int]]]:
    """Return the text without marks, the places where its lines end, and the places of code."""
    text = ""
    breaks: list[int] = []
    code: list[tuple[int, int]] = []
    for child in token.children or ():
        if child.type in {"softbreak", "hardbreak"}:
            breaks.append(len(text))
            text += " "
        elif child.type == "code_inline":
            code.append((len(text), len(text) + len(child.content)))
            text += child.content
        elif child.type in {"text", "image"}:
            text += child.content
    return text, breaks, code
