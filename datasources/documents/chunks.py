"""Splits a document into chunks at its headings and blocks: pure functions of title and body."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from datasources.documents.markdown import Block, find_blocks, plain_heading, split_lines

# The name of the rules of this module. Documents whose chunks were made by other rules are split again.
CHUNKING = "markdown-2"
# Characters of a chunk with several blocks.
MAX_CHUNK_CHARACTERS = 1_400
# Characters of a single block that is not split. A longer one is split between lines, and a longer line between words.
MAX_BLOCK_CHARACTERS = 4_000
# Characters below which a section is joined with the next one.
MIN_SECTION_CHARACTERS = 200


@dataclass(frozen=True)
class Chunk:
    """A part of a document: lines `first_line` to `last_line` of its body, both inclusive and counted from 1.

    `heading` is the title of the document and the headings above the part, joined by ' > '.
    """

    heading: str
    body: str
    first_line: int
    last_line: int

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of heading and body in hexadecimal digits."""
        return hashlib.sha256(f"{self.heading}\n{self.body}".encode()).hexdigest()


@dataclass(slots=True)
class _Part:
    """Consecutive blocks that become one chunk. `paths` are the headings above each of its sections, in order."""

    first: int
    last: int
    section: int
    paths: list[tuple[str, ...]]
    # Whether it begins where its section begins, so that it is not the rest of a longer section.
    at_start: bool = True


@dataclass(frozen=True, slots=True)
class _Text:
    lines: list[str]
    # Characters before each line, its ends included.
    offsets: list[int]

    def size(self, first: int, last: int) -> int:
        """Return the characters of lines `first` to `last`, without the last line's end."""
        return self.offsets[last + 1] - self.offsets[first] - 1


def split_document(title: str, body: str) -> list[Chunk]:
    """Return the chunks of a document, in order: each line that is not blank is in exactly one of them.

    A chunk has at most MAX_CHUNK_CHARACTERS, a single block or line at most MAX_BLOCK_CHARACTERS. A longer line is in
    several chunks, which together have all of its text.
    """
    lines = split_lines(body)
    text = _Text(lines, list(accumulate((len(line) + 1 for line in lines), initial=0)))
    name = plain_heading(title)
    return [chunk for part in _pack(text) for chunk in _make_chunks(name, text, part)]


def _make_chunks(title: str, text: _Text, part: _Part) -> Iterator[Chunk]:
    headings = _common_headings(part.paths)
    if headings and headings[0].casefold() == title.casefold():
        headings = headings[1:]
    body = "\n".join(text.lines[part.first : part.last + 1])
    for piece in _split_line(body):
        yield Chunk(" > ".join((title, *headings)), piece, part.first + 1, part.last + 1)


def _split_line(body: str) -> Iterator[str]:
    """Yield the text of one chunk, or the parts that are not blank of a line that is too long: sentences, or words."""
    if len(body) <= MAX_BLOCK_CHARACTERS:
        yield body
        return
    begin = 0
    while begin < len(body):
        end = begin + MAX_CHUNK_CHARACTERS
        if end < len(body):
            # After the last sentence or, without one, the last word that fits.
            half = begin + MAX_CHUNK_CHARACTERS // 2
            ends = (found + len(mark) for mark in (". ", " ") if (found := body.rfind(mark, half, end)) >= 0)
            end = next(ends, end)
        if piece := body[begin:end].strip():
            yield piece
        begin = end


def _pack(text: _Text) -> Iterator[_Part]:
    part: _Part | None = None
    for block in find_blocks(text.lines):
        if part is not None and _is_joined(text, part, block):
            if part.section != block.section:
                part.paths.append(block.headings)
            part.last, part.section = block.last, block.section
            continue
        at_start = part is None or part.section != block.section
        if part is not None:
            yield part
        *complete, rest = _split_block(text, block, at_start)
        yield from complete
        part = rest
    if part is not None:
        yield part


def _is_joined(text: _Text, part: _Part, block: Block) -> bool:
    if text.size(part.first, block.last) > MAX_CHUNK_CHARACTERS:
        return False
    if part.section == block.section:
        return True
    is_tiny = part.at_start and text.size(part.first, part.last) < MIN_SECTION_CHARACTERS
    above, below = part.paths[-1], block.headings
    return is_tiny and (above[:-1] == below[:-1] or above == below[:-1])


def _common_headings(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    # A section with an introduction above it has its own heading; sections next to each other have their parent's.
    longest = max(paths, key=len)
    if all(longest[: len(path)] == path for path in paths):
        return longest
    return tuple(names[0] for names in zip(*paths, strict=False) if len(set(names)) == 1)


def _split_block(text: _Text, block: Block, at_start: bool) -> list[_Part]:
    if text.size(block.first, block.last) <= MAX_BLOCK_CHARACTERS:
        return [_Part(block.first, block.last, block.section, [block.headings], at_start)]
    parts: list[_Part] = []
    for line in range(block.first, block.last + 1):
        if not text.lines[line].strip():
            continue
        if parts and text.size(parts[-1].first, line) <= MAX_CHUNK_CHARACTERS:
            parts[-1].last = line
        else:
            parts.append(_Part(line, line, block.section, [block.headings], at_start=False))
    return parts
