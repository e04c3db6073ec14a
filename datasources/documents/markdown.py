"""The structure of Markdown: its headings and the blocks between which a text may be split."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Characters of a heading that are stored and ranked.
MAX_HEADING_CHARACTERS = 200

# Blocks only. Rows of a table and link definitions are paragraphs then, which are not split either.
_BLOCKS = MarkdownIt("commonmark").disable(["inline", "reference"])
_INLINE = MarkdownIt("commonmark")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `first` to `last` of a text, both inclusive and counted from 0, and the headings above them.

    `section` counts the headings so far. A heading belongs to the block that follows it.
    """

    first: int
    last: int
    section: int
    headings: tuple[str, ...]


def split_lines(text: str) -> list[str]:
    """Return the lines without their ends, as Markdown counts them."""
    return _LINE_END.split(text)


def find_blocks(lines: list[str]) -> Iterator[Block]:
    """Yield blocks in order. Each line that is not blank is in exactly one block."""
    starts = _starts(_BLOCKS.parse("\n".join(lines)))
    # Text that the parser skips belongs to the block before it.
    ends = [start for start, _ in starts[1:]] + [len(lines)]
    path: list[tuple[int, str]] = []
    section, begin = 0, 0
    for number, ((_, heading), end) in enumerate(zip(starts, ends, strict=True)):
        if heading is not None:
            section += 1
            level, title = heading
            path = [outer for outer in path if outer[0] < level]
            path.append((level, title))
        is_last = number == len(starts) - 1
        if heading is not None and not is_last and starts[number + 1][1] is None:
            continue
        if (lines_of_block := _trim(lines, begin, end)) is not None:
            yield Block(*lines_of_block, section, tuple(title for _, title in path if title))
        begin = end


def first_heading(text: str) -> str:
    """Return the first heading of a text without markup, empty if it has none."""
    return next((block.headings[0] for block in find_blocks(split_lines(text)) if block.headings), "")


def plain_heading(markdown: str) -> str:
    """Return the text of a heading without markup, on one line and of limited length."""
    # A backslash or an entity may be cut in half; such a heading is longer than anybody reads.
    [inline] = _INLINE.parseInline(markdown[: 2 * MAX_HEADING_CHARACTERS])
    text = "".join(child.content if child.content else " " for child in inline.children or () if _is_text(child))
    text = " ".join(text.split())
    return text if len(text) <= MAX_HEADING_CHARACTERS else f"{text[: MAX_HEADING_CHARACTERS - 1]}…"


def _is_text(token: Token) -> bool:
    return token.type in {"text", "code_inline", "image", "softbreak", "hardbreak"}


def _starts(tokens: list[Token]) -> list[tuple[int, tuple[int, str] | None]]:
    """Return the first line of each block, and level and title if it is a heading. The first block begins at 0."""
    starts: dict[int, tuple[int, str] | None] = {0: None}
    for position, token in enumerate(tokens):
        if token.map is None:
            continue
        if token.level == 0 and token.type == "heading_open":
            starts[token.map[0]] = int(token.tag[1:]), plain_heading(tokens[position + 1].content)
        elif token.level == 0 or (token.level == 1 and token.type == "list_item_open"):
            starts.setdefault(token.map[0], None)
    return sorted(starts.items())


def _trim(lines: list[str], begin: int, end: int) -> tuple[int, int] | None:
    while begin < end and not lines[begin].strip():
        begin += 1
    while end > begin and not lines[end - 1].strip():
        end -= 1
    return (begin, end - 1) if begin < end else None
