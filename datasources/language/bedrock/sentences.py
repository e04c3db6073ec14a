"""Sentences of a reply with their sources, from blocks of text of which some have citations."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from datasources.language.port import DraftSentence

_LINE = re.compile(r"[^\n]+")
_LIST_MARKER = re.compile(r"\s*(?:[-*•]\s+|\d{1,2}[.)]\s+)?")
# The end of a sentence: a mark, and a capital, digit or quotation mark after a space. Not after an abbreviation.
_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)[.!?][\"')\]]*\s+(?=[\"'(\[`]*[A-Z0-9`])")


@dataclass(slots=True)
class TextBlock:
    """A part of a reply, and the numbers of the sources that it cites."""

    text: str = ""
    sources: list[int] = field(default_factory=list)


def split_sentences(blocks: Sequence[TextBlock]) -> list[DraftSentence]:
    """Return the sentences of all blocks together. A sentence has the sources of every block that it is in."""
    text = "".join(block.text for block in blocks)
    edges = list(pairwise(accumulate((len(block.text) for block in blocks), initial=0)))
    sentences = []
    for start, end in _spans(text):
        sources: dict[int, None] = {}
        for block, (first, last) in zip(blocks, edges, strict=True):
            if first < end and start < last:
                sources |= dict.fromkeys(block.sources)
        sentences.append(DraftSentence(text[start:end], tuple(sources)))
    return sentences


def _spans(text: str) -> Iterable[tuple[int, int]]:
    """Yield where each sentence begins and ends, without the spaces around it."""
    for line in _LINE.finditer(text):
        marker = _LIST_MARKER.match(line[0])
        start = line.start() + (marker.end() if marker else 0)
        ends = [match.end() for match in _END.finditer(text, start, line.end())]
        for first, last in pairwise([start, *ends, line.end()]):
            sentence = text[first:last]
            if any(letter.isalnum() for letter in sentence):
                begin = first + len(sentence) - len(sentence.lstrip())
                yield begin, begin + len(sentence.strip())


def remove_control_characters(text: str) -> str:
    """Return a text of a model without controls, marks of direction and surrogates, which no store takes."""
    return "".join(each if each.isprintable() or each == "\n" else " " if each.isspace() else "" for each in text)
